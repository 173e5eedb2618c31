"""Stores that are broken on purpose, each in one way, and the suite over each of them.

Pytest does not collect this file: `test_broken_stores.py` runs it, and looks at what fails.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.testing.reference_store import ReferenceStore, Stored

Value = dict[str, Any]


class ForgetsTheTTL(ReferenceStore):
    @override
    def _expiry(self, ttl: Any) -> float | None:
        expiry = super()._expiry(ttl)
        return expiry and expiry + 10_000_000


class KeepsAnOldExpiry(ReferenceStore):
    @override
    def _store(self, collection: str, key: str, stored: Stored) -> None:
        before = self.entries.get(collection, {}).get(key, stored)
        super()._store(collection, key, (stored[0], stored[1] or before[1]))


class CutsATTL(ReferenceStore):
    @override
    def _expiry(self, ttl: Any) -> float | None:
        expiry = super()._expiry(ttl)
        return expiry if expiry is None or not 1 < float(ttl) < 2 else expiry - math.fmod(ttl, 1)


class CountsTheExpired(ReferenceStore):
    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        self._check(collection, key)
        return self.entries.get(self._name(collection), {}).pop(key, None) is not None

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        self._check(collection, *self._each(keys))
        return sum([await ReferenceStore.delete(self, key, collection=collection) for key in keys])


class ListsTheExpired(ReferenceStore):
    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        living = await super().keys(collection, limit=limit)
        every = list(self.entries.get(self._name(collection), {}))
        return every if limit is None else living


class CutsTheList(ReferenceStore):
    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        return (await super().keys(collection, limit=limit))[:10_000]


class MixesCollections(ReferenceStore):
    @override
    def _name(self, collection: str | None) -> str:
        return super()._name(collection).replace("::", ":")


class ReordersABatch(ReferenceStore):
    @override
    async def get_many(self, keys: Sequence[str], *, collection: str | None = None) -> list[Value | None]:
        return await super().get_many(sorted(self._each(keys), key=str), collection=collection)


class ReturnsLiveObjects(ReferenceStore):
    @override
    def _encode(self, value: Any) -> Any:
        super()._encode(value)
        return {"value": value}

    @override
    def _decode(self, data: Any) -> Value:
        return super()._decode(data) if isinstance(data, bytes) else data["value"]


class SwallowsCorruptBytes(ReferenceStore):
    @override
    def _live(self, collection: str, key: str) -> Stored | None:
        stored = super()._live(collection, key)
        try:
            if stored is not None:
                self._decode(stored[0])
        except ValueError:
            return None
        return stored


class CreatesByReading(ReferenceStore):
    @override
    async def ttl(self, key: str, *, collection: str | None = None) -> tuple[Value | None, float | None]:
        found = await super().ttl(key, collection=collection)
        self.entries.setdefault(self._name(collection), {})
        return found


class ClaimsTwice(ReferenceStore):
    @override
    async def put_if_absent(
        self, key: str, value: Mapping[str, Any], *, collection: str | None = None, ttl: Any = None
    ) -> bool:
        self._encode(value)
        self._expiry(ttl)
        absent = await self.get(key, collection=collection) is None
        # Long enough for another thread to look, too.
        await asyncio.sleep(0.01)
        if absent:
            await self.put(key, value, collection=collection, ttl=ttl)
        return absent


class RoundsIntegers(ReferenceStore):
    @override
    def _decode(self, data: Any) -> Value:
        value = super()._decode(data)
        return {name: _rounded(item) for name, item in value.items()}


class ForgetsThatItIsClosed(ReferenceStore):
    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        return not self._closed and await super().delete(key, collection=collection)


class LosesAnAbility(ReferenceStore):
    cull = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] -- that is what is broken


def _rounded(item: Any) -> Any:
    if isinstance(item, list):
        return [_rounded(each) for each in item]  # pyright: ignore[reportUnknownVariableType] -- any JSON
    return float(item) if type(item) is int and abs(item) > 2**64 else item


class Broken(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    on_base_store: ClassVar = False
    model_examples: ClassVar = 1
    store_class: ClassVar[type[ReferenceStore]]

    @pytest.fixture
    async def store(self) -> AsyncIterator[ReferenceStore]:
        async with self.store_class() as store:
            yield store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, ReferenceStore)
        store.entries[collection][key] = data, None

    @override
    async def test_behaves_like_a_dict_with_time(self, store: Store) -> None:
        pytest.skip("whatever is broken, the model finds it too")


STORES: tuple[type[ReferenceStore], ...] = (
    ForgetsTheTTL,
    KeepsAnOldExpiry,
    CutsATTL,
    CountsTheExpired,
    ListsTheExpired,
    CutsTheList,
    MixesCollections,
    ReordersABatch,
    ReturnsLiveObjects,
    SwallowsCorruptBytes,
    CreatesByReading,
    ClaimsTwice,
    RoundsIntegers,
    ForgetsThatItIsClosed,
    LosesAnAbility,
)

for _store in STORES:
    _name = f"Test{_store.__name__}"
    globals()[_name] = type(_name, (Broken,), {"store_class": _store, "__module__": __name__})
