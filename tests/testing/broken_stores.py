"""Stores that are broken on purpose, each in one way, and the suite on each of them.

Pytest does not collect this file: `test_broken_stores.py` runs it, and checks which tests fail.
"""

import asyncio
import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from key_value.aio.errors import DeserializationError, KeyValueStoreError, StoreConnectionError
from key_value.aio.testing.suites import PathConformance, loops, reclamation, resources
from tests.testing.reference_conformance import FileStore, ReferenceConformance
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
        if expiry is None or isinstance(ttl, timedelta) or not 1 < float(ttl) < 2:
            return expiry
        return expiry - math.fmod(ttl, 1)


class CountsTheExpired(ReferenceStore):
    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        key, name = self._key(collection, key), self._name(collection)
        found = key in self.entries.get(name, {})
        if found:
            self._remove(name, key)
        return found

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        self._check(collection, *self._each(keys))
        return sum([await ReferenceStore.delete(self, key, collection=collection) for key in keys])


class ListsTheExpired(ReferenceStore):
    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        listed = await super().keys(collection, limit=limit)
        every = list(self.entries.get(self._name(collection), {}))
        return every if limit is None else listed


class CutsTheList(ReferenceStore):
    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        return (await super().keys(collection, limit=limit))[:1_000]


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
        # Long enough for another thread to check, too.
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
    cull = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] -- broken on purpose


class VersionsOfTheValue(ReferenceStore):
    """Assigns the same version to all entries with equal values."""

    @override
    def _version(self, collection: str, key: str) -> str:
        return str(self.entries[collection][key][0])


class RestartsItsVersions(ReferenceStore):
    """Counts the writes to an entry from 1 again after it was deleted."""

    @override
    def _store(self, collection: str, key: str, stored: Stored) -> None:
        before = self._versions.get((collection, key), 0) if key in self.entries.get(collection, {}) else 0
        super()._store(collection, key, stored)
        self._versions[collection, key] = before + 1


class ComparesTooEarly(ReferenceStore):
    """Lets others write between its check of the version and its own write."""

    @override
    async def put_if_version(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        version: str,
        collection: str | None = None,
        ttl: Any = None,
    ) -> str | None:
        key, name = self._key(collection, key), self._name(collection)
        stored = self._encode(value), self._expiry(ttl)
        if not self._has_version(name, key, version):
            return None
        await asyncio.sleep(0)
        self._store(name, key, stored)
        return self._version(name, key)


class PopsTwice(ReferenceStore):
    @override
    async def pop(self, key: str, *, collection: str | None = None) -> Value | None:
        value = await self.get(key, collection=collection)
        await asyncio.sleep(0)
        await self.delete(key, collection=collection)
        return value


class TouchesTheExpired(ReferenceStore):
    @override
    async def touch(self, key: str, *, ttl: Any, collection: str | None = None) -> bool:
        key, name, expiry = self._key(collection, key), self._name(collection), self._expiry(ttl)
        stored = self.entries.get(name, {}).get(key)
        if stored is not None:
            self._store(name, key, (stored[0], expiry))
        return stored is not None


class TouchesByWriting(ReferenceStore):
    """Reads the value and writes it back later."""

    @override
    async def touch(self, key: str, *, ttl: Any, collection: str | None = None) -> bool:
        self._expiry(ttl)
        value = await self.get(key, collection=collection)
        await asyncio.sleep(0)
        if value is not None:
            await self.put(key, value, collection=collection, ttl=ttl)
        return value is not None


class CutsATouch(ReferenceStore):
    @override
    async def touch(self, key: str, *, ttl: Any, collection: str | None = None) -> bool:
        self._expiry(ttl)
        is_cut = isinstance(ttl, int | float) and ttl > 0.5
        return await super().touch(
            key, ttl=max(ttl - ttl % 1, 0.01) if is_cut else ttl, collection=collection
        )


class ScansPatterns(ReferenceStore):
    @override
    def _starts(self, key: str, prefix: str) -> bool:
        return fnmatchcase(key, f"{prefix}*")


class ScansByOffset(ReferenceStore):
    """Continues a scan at a number of keys, even if the keys have changed."""

    @override
    def _page(self, listed: list[str], last: Any, limit: int) -> tuple[list[str], Any]:
        start = last or 0
        end = start + limit
        return listed[start:end], end if end < len(listed) else None


class TakesAnyCursor(ReferenceStore):
    @override
    def _last_key(self, cursor: str, name: str, prefix: str) -> Any:
        try:
            return json.loads(cursor)[-1]
        except (LookupError, TypeError, ValueError):
            return None


class TakesANameAtItsWord(ReferenceStore):
    """Calls `str()` on names, so that a subclass of str can change them."""

    @override
    def _key(self, collection: object, key: str, *others: object) -> str:
        self._check(collection, key, *others)
        return str(key)


class LeavesDepthToTheStack(ReferenceStore):
    @override
    def _too_deep(self, value: Any) -> bool:
        return False


class MissesTheForeign(ReferenceStore):
    @override
    async def get_many(self, keys: Sequence[str], *, collection: str | None = None) -> list[Value | None]:
        async def get(key: str) -> Value | None:
            with suppress(DeserializationError):
                return await self.get(key, collection=collection)
            return None

        return [await get(key) for key in self._each(keys)]


class NamesNoFailedKey(ReferenceStore):
    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: Any = None,
    ) -> None:
        if self.refused.intersection(keys):
            raise KeyValueStoreError("the batch failed")
        await super().put_many(keys, values, collection=collection, ttl=ttl)


class WritesLate(ReferenceStore):
    """Runs a put in callbacks that cannot be cancelled and that no later call waits for."""

    @override
    async def put(
        self, key: str, value: Mapping[str, Any], *, collection: str | None = None, ttl: Any = None
    ) -> None:
        stored = self._encode(value), self._expiry(ttl)
        key = self._key(collection, key)
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def write(turns: int) -> None:
            if turns:
                loop.call_soon(write, turns - 1)
                return
            try:
                self._store(self._name(collection), key, stored)
            except KeyValueStoreError as error:
                ended.set_exception(error)
            else:
                ended.set_result(None)

        write(9)
        await asyncio.shield(ended)


class WaitsForAnotherLoop(ReferenceStore):
    """Lets the very first call prepare the store, and makes all others wait for it."""

    _ready: "asyncio.Future[None] | None" = None

    @override
    async def ttl(self, key: str, *, collection: str | None = None) -> tuple[Value | None, float | None]:
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            for _ in range(5):
                await asyncio.sleep(0)
            self._ready.set_result(None)
        if not self._ready.done():
            await self._ready
        return await super().ttl(key, collection=collection)


class RefusesAChild(ReferenceStore):
    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    @override
    def _check(self, collection: object, *keys: object) -> None:
        super()._check(collection, *keys)
        if os.getpid() != self._process:
            raise StoreConnectionError("The store belongs to another process")


class KeepsAThread(ReferenceStore):
    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class RemembersTheDeleted(ReferenceStore):
    @override
    def _remove(self, collection: str, key: str) -> None:
        super()._remove(collection, key)
        self.removed = [*getattr(self, "removed", [])[-100_000:], bytes(4_000)]


class ReclaimsNothing(ReferenceStore):
    @override
    def _reclaim(self, collection: str) -> None:
        pass


class ReclaimsTheRenewed(ReferenceStore):
    """Schedules the removal of an entry when it is written, even if it is written again in the meantime."""

    @override
    def _store(self, collection: str, key: str, stored: Stored) -> None:
        notes: dict[tuple[str, str], float] = self.__dict__.setdefault("notes", {})
        if stored[1] is not None:
            notes[collection, key] = stored[1]
        super()._store(collection, key, stored)

    @override
    def _reclaim(self, collection: str) -> None:
        notes: dict[tuple[str, str], float] = self.__dict__["notes"]
        for name, key in [each for each, expiry in notes.items() if expiry < self._now()]:
            del notes[name, key]
            if key in self.entries[name]:
                self._remove(name, key)


class RaisesTheDriversErrors(ReferenceStore):
    @override
    def _store(self, collection: str, key: str, stored: Stored) -> None:
        if key in self.refused:
            raise OSError(f"{key!r} is refused")
        super()._store(collection, key, stored)


class StaysRelative(FileStore):
    @override
    def _resolved(self, path: Path) -> Path:
        return path


def _rounded(item: Any) -> Any:
    if isinstance(item, list):
        return [_rounded(each) for each in item]  # pyright: ignore[reportUnknownVariableType] -- any JSON
    return float(item) if type(item) is int and abs(item) > 2**64 else item


class Broken(ReferenceConformance):
    short_ttl: ClassVar = 0.05
    late: ClassVar = 0.01
    many: ClassVar = 1_001
    # The model test finds every defect too.
    test_behaves_like_a_dict_with_time = None  # pyright: ignore[reportAssignmentType] -- excludes the test in pytest


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
    VersionsOfTheValue,
    RestartsItsVersions,
    ComparesTooEarly,
    PopsTwice,
    TouchesTheExpired,
    TouchesByWriting,
    CutsATouch,
    ScansPatterns,
    ScansByOffset,
    TakesAnyCursor,
    TakesANameAtItsWord,
    LeavesDepthToTheStack,
    MissesTheForeign,
    NamesNoFailedKey,
    RaisesTheDriversErrors,
    WritesLate,
    WaitsForAnotherLoop,
    RefusesAChild,
    KeepsAThread,
    RemembersTheDeleted,
    ReclaimsNothing,
    ReclaimsTheRenewed,
)

# An in-memory store does these things at once or never, so a short timeout in seconds is enough.
loops.TIMEOUT = reclamation.SETTLE_SECONDS = resources.SETTLE_SECONDS = 5

# The slowest tests, and the only store that each of them is relevant for.
_SLOW = {
    "test_lives_its_whole_ttl_past_a_full_second": CutsATTL,
    "test_deleted_entries_keep_no_memory": RemembersTheDeleted,
    "test_closed_stores_keep_no_thread_and_no_descriptor": KeepsAThread,
}

for _store in STORES:
    _name = f"Test{_store.__name__}"
    _left_out = dict.fromkeys(name for name, broken in _SLOW.items() if broken is not _store)
    globals()[_name] = type(_name, (Broken,), {"make": _store, "__module__": __name__, **_left_out})


class TestStaysRelative(PathConformance):
    abilities: ClassVar = frozenset[type]()
    open_store: ClassVar = StaysRelative
