"""Failures: a backend error is raised as a store error that names its keys, and is never a missing key."""

import asyncio

import pytest

from key_value.aio.errors import BaseKeyValueError, KeyValueStoreError
from key_value.aio.protocols import AsyncPutIfAbsentProtocol
from key_value.aio.testing.operations import READS, Read, Store
from key_value.aio.testing.selection import needs, when
from key_value.aio.testing.suites.base import Conformance, overrides
from key_value.aio.testing.trials import named, over


class FailureConformance(Conformance):
    """A rejected write or a value of a foreign type raises an error in single, concurrent and batch calls."""

    @when(overrides("plant"))
    @over("read")
    async def test_a_value_of_a_foreign_type_is_an_error(
        self, store: Store, collection: str, read: Read
    ) -> None:
        await self.plant(store, collection=collection, key="foreign")
        with pytest.raises(BaseKeyValueError, match="foreign"):
            await read(store, "foreign", collection=collection)

    @when(overrides("plant"))
    async def test_a_value_of_a_foreign_type_is_an_error_for_reads_at_once(
        self, store: Store, collection: str
    ) -> None:
        await self.plant(store, collection=collection, key="foreign")
        await store.put("key", {"n": 1}, collection=collection)
        names = ["foreign", "key", "missing"] * 10
        calls = [read(store, name, collection=collection) for name in names for read in READS.values()]
        results = await asyncio.gather(*calls, return_exceptions=True)
        for name, result in zip([name for name in names for _ in READS], results, strict=True):
            if name == "foreign":
                assert isinstance(result, BaseKeyValueError)
                assert "foreign" in str(result)
            else:
                assert result == ({"n": 1} if name == "key" else None)

    @when(overrides("plant"))
    @over(operation=named("get_many", "ttl_many"))
    async def test_a_value_of_a_foreign_type_fails_its_batch(
        self, store: Store, collection: str, operation: str
    ) -> None:
        await self.plant(store, collection=collection, key="foreign")
        await store.put("key", {"n": 1}, collection=collection)
        with pytest.raises(BaseKeyValueError, match="foreign"):
            await getattr(store, operation)(["key", "foreign", "missing"], collection=collection)

    @when(overrides("plant"))
    @needs(AsyncPutIfAbsentProtocol)
    async def test_a_value_of_a_foreign_type_is_no_claim(self, store: Store, collection: str) -> None:
        await self.plant(store, collection=collection, key="foreign")
        with pytest.raises(BaseKeyValueError, match="foreign"):
            await self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent(
                "foreign", {"n": 1}, collection=collection
            )

    @when(overrides("refuse_writes"))
    async def test_a_failed_batch_names_its_keys(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)
        await self.refuse_writes(store, collection=collection, key="refused")
        with pytest.raises(KeyValueStoreError) as caught:
            await store.put_many(["a", "refused", "b"], [{"n": 1}] * 3, collection=collection)
        assert "refused" in str((caught.value.extra_info or {}).get("failed_keys"))
        assert await store.get("refused", collection=collection) is None
        assert await store.get("key", collection=collection) == {"n": 1}

    @when(overrides("refuse_writes"))
    async def test_a_failed_write_harms_none_beside_it(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)
        await self.refuse_writes(store, collection=collection, key="refused")
        keys = [*(f"key-{n}" for n in range(10)), "refused", *(f"key-{n}" for n in range(10, 20))]
        puts = [store.put(key, {"key": key}, collection=collection) for key in keys]
        results = await asyncio.gather(*puts, return_exceptions=True)
        failed = {key: result for key, result in zip(keys, results, strict=True) if result is not None}
        assert list(failed) == ["refused"]
        # Callers would not know a driver's own exception.
        assert isinstance(failed["refused"], BaseKeyValueError), repr(failed["refused"])
        found = await store.get_many(keys, collection=collection)
        assert found == [None if key == "refused" else {"key": key} for key in keys]
