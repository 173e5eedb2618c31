import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.memory.entries import Entries
from key_value.aio.stores.memory.expiry_index import ExpiryIndex
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.suites.base import ABILITIES, Opening


class TestMemoryStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    shared_by_processes: ClassVar = False

    @override
    @pytest.fixture
    def opening(self) -> Opening:
        return MemoryStore

    @pytest.fixture
    async def store(self) -> AsyncIterator[MemoryStore]:
        async with MemoryStore() as store:
            yield store

    async def test_forgets_the_entry_least_recently_used(self) -> None:
        store = MemoryStore(max_entries_per_collection=2)
        await store.put("a", {"n": 1})
        await store.put("b", {"n": 2})
        await store.get("a")
        await store.put("c", {"n": 3})
        assert await store.get_many(["a", "b", "c"]) == [{"n": 1}, None, {"n": 3}]
        assert store.max_entries_per_collection == 2

    async def test_the_bound_is_each_collections_own(self) -> None:
        store = MemoryStore(max_entries_per_collection=1)
        await store.put("a", {"n": 1}, collection="one")
        await store.put("a", {"n": 2}, collection="two")
        assert await store.get("a", collection="one") == {"n": 1}

    async def test_expired_entries_do_not_push_out_unexpired_ones(self) -> None:
        store = MemoryStore(max_entries_per_collection=3)
        await store.put("old", {"n": 1})
        await store.put("x", {}, ttl=0.02)
        await store.put("y", {}, ttl=0.02)
        # Wait for the last one, which on a busy machine expires much later than the first.
        await _until_missing(store, "y")
        await store.put_many(["b", "c"], [{"n": 2}, {"n": 3}])
        assert await store.get_many(["old", "b", "c"]) == [{"n": 1}, {"n": 2}, {"n": 3}]

    async def test_puts_free_what_has_expired(self) -> None:
        store = MemoryStore()
        for n in range(100):
            await store.put(str(n), {}, collection="gone", ttl=0.02)
        while await store.collections() != ["other"]:
            await store.put("key", {}, collection="other")
            await asyncio.sleep(0.001)

    async def test_an_empty_collection_is_gone(self) -> None:
        store = MemoryStore()
        await store.put("key", {}, collection="c")
        await store.delete("key", collection="c")
        assert await store.collections() == []

    async def test_a_seed_fills_what_is_absent(self) -> None:
        store = MemoryStore(seed={"c": {"a": {"n": 1}}, "": {"b": {"n": 2}}}, default_collection="mine")
        assert await store.get("a", collection="c") == {"n": 1}
        assert await store.get("b", collection="mine") == {"n": 2}
        await store.put("a", {"n": 3}, collection="c")
        await store.close()
        async with store:
            assert await store.get("a", collection="c") == {"n": 3}

    @pytest.mark.parametrize("bound", [0, -1])
    def test_refuses_a_bound_that_holds_nothing(self, bound: int) -> None:
        with pytest.raises(ValueError, match=f"must be 1 or more, not {bound}"):
            MemoryStore(max_entries_per_collection=bound)

    def test_has_no_bound_unless_given(self) -> None:
        assert MemoryStore().max_entries_per_collection == sys.maxsize


class TestEntries:
    def test_a_reader_of_what_expired_removes_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another thread stores the key again while this one checks whether it has expired."""
        entries = Entries(sys.maxsize)
        entries.put("c", [("key", b"old")], ttl=1, expires=100)

        def store_meanwhile() -> float:
            monkeypatch.undo()
            entries.put("c", [("key", b"new")], None, None)
            return 101

        monkeypatch.setattr(time, "time", store_meanwhile)
        assert entries.get("c", "key") is None
        assert entries.get("c", "key") == (b"new", None)


class TestExpiryIndex:
    def test_what_is_due_comes_out_once(self) -> None:
        expiries = ExpiryIndex()
        for n in range(10):
            expiries.record("c", str(n), ttl=10, expires=100.0 + n)
        assert list(expiries.due(99.9)) == []
        assert sorted(expiries.due(112.0)) == [("c", str(n)) for n in range(10)]
        assert list(expiries.due(200.0)) == []

    def test_is_due_an_eighth_of_its_time_late_at_most(self) -> None:
        for ttl in (0.01, 1, 60, 3600, 1e9):
            expiries = ExpiryIndex()
            expiries.record("c", "k", ttl=ttl, expires=1e9)
            assert list(expiries.due(1e9 + max(ttl / 8, 1 / 1024))) == [("c", "k")]

    def test_what_was_discarded_is_not_due(self) -> None:
        expiries = ExpiryIndex()
        end = expiries.record("c", "k", ttl=1, expires=100)
        expiries.discard("c", "k", end)
        assert list(expiries.due(1000)) == []

    def test_overwriting_one_key_for_ever_takes_no_more_room(self) -> None:
        expiries = ExpiryIndex()
        for n in range(20_000):
            now = n / 10
            end = expiries.record("c", "k", ttl=60, expires=now + 60)
            expiries.discard("c", "k", end)
            list(expiries.due(now))
        assert len(expiries) <= 32

    def test_many_collections_that_are_emptied_take_no_room(self) -> None:
        expiries = ExpiryIndex()
        for n in range(10_000):
            bucket = expiries.record(f"c{n}", "k", ttl=60, expires=1060)
            expiries.discard(f"c{n}", "k", bucket)
        assert len(expiries) == 1
        assert list(expiries.due(2000)) == []


async def _until_missing(store: MemoryStore, key: str, collection: str | None = None) -> None:
    while await store.get(key, collection=collection) is not None:
        await asyncio.sleep(0.005)
    # It is freed up to an eighth of its TTL later.
    await asyncio.sleep(0.005)
