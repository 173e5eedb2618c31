import asyncio
import json
import sys
import time
from array import array
from collections import OrderedDict, UserDict
from collections.abc import AsyncIterator, Mapping
from enum import IntEnum
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import SerializationError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.memory.entries import Entries
from key_value.aio.stores.memory.expiries import Expiries
from key_value.aio.stores.memory.values import pack, unpack
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests.stores.abilities import NOT_YET


class TestMemoryStore(StoreConformance):
    abilities: ClassVar = ABILITIES - NOT_YET
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

    async def test_expired_entries_do_not_push_out_living_ones(self) -> None:
        store = MemoryStore(max_entries_per_collection=3)
        await store.put("old", {"n": 1})
        await store.put("x", {}, ttl=0.02)
        await store.put("y", {}, ttl=0.02)
        await _until_missing(store, "x")
        await store.put_many(["b", "c"], [{"n": 2}, {"n": 3}])
        assert await store.get_many(["old", "b", "c"]) == [{"n": 1}, {"n": 2}, {"n": 3}]

    async def test_puts_free_what_has_expired(self) -> None:
        store = MemoryStore()
        for n in range(100):
            await store.put(str(n), {}, collection="gone", ttl=0.02)
        await _until_missing(store, "0", "gone")
        for n in range(100):
            await store.put(str(n), {}, collection="other")
            if await store.collections() == ["other"]:
                break
        assert await store.collections() == ["other"]

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
        """Another thread stores the key anew while this one looks whether it has expired."""
        entries = Entries(sys.maxsize)
        entries.put("c", [("key", b"old")], ttl=1, expires=100)

        def store_meanwhile() -> float:
            monkeypatch.undo()
            entries.put("c", [("key", b"new")], None, None)
            return 101

        monkeypatch.setattr(time, "time", store_meanwhile)
        assert entries.get("c", "key") is None
        assert entries.get("c", "key") == (b"new", None)


class TestValues:
    @pytest.mark.parametrize(
        "value",
        list[Any](
            [
                {"tuple": (1, 2)},
                {"number": 1 << 64},
                {"number": IntEnum("Level", ["HIGH"])(1)},
                {"nested": [OrderedDict(a=1)]},
                {"keys": {1: "one", 2: "two"}},
                UserDict(a=1),
            ]
        ),
        ids=str,
    )
    def test_what_json_changes_is_changed(self, value: Mapping[str, Any]) -> None:
        copy = unpack(pack(value))
        assert repr(copy) == repr(json.loads(json.dumps(dict(value))))

    @pytest.mark.parametrize(
        "intruder",
        [b"bytes", bytearray(1), memoryview(b"x"), array("i", [1]), {1}, frozenset({1}), 1j, ..., 10**5000],
        ids=lambda intruder: type(intruder).__name__,
    )
    def test_what_json_refuses_is_refused(self, intruder: object) -> None:
        for value in ({"a": intruder}, {"a": [intruder]}, {"a": {"b": [{"c": intruder}]}}):
            with pytest.raises(SerializationError):
                pack(value)

    def test_what_has_no_end_is_refused(self) -> None:
        circle: dict[str, Any] = {}
        circle["itself"] = [circle]
        with pytest.raises(SerializationError):
            pack(circle)

    def test_what_occurs_twice_is_copied_twice(self) -> None:
        shared = ["a"]
        copy = unpack(pack({"one": shared, "two": shared}))
        copy["one"].append("b")
        assert (copy["two"], shared) == (["a"], ["a"])


class TestExpiries:
    def test_what_is_due_comes_out_once(self) -> None:
        expiries = Expiries()
        for n in range(10):
            expiries.add("c", str(n), ttl=10, expires=100.0 + n)
        assert list(expiries.due(99.9, 100)) == []
        assert sorted(expiries.due(112.0, 100)) == [("c", str(n)) for n in range(10)]
        assert list(expiries.due(200.0, 100)) == []

    def test_is_due_an_eighth_of_its_time_late_at_most(self) -> None:
        for ttl in (0.01, 1, 60, 3600, 1e9):
            expiries = Expiries()
            expiries.add("c", "k", ttl=ttl, expires=1e9)
            assert list(expiries.due(1e9 + max(ttl / 8, 1 / 1024), 1)) == [("c", "k")]

    def test_what_was_discarded_is_not_due(self) -> None:
        expiries = Expiries()
        end = expiries.add("c", "k", ttl=1, expires=100)
        expiries.discard("c", "k", end)
        assert list(expiries.due(1000, 10)) == []

    def test_overwriting_one_key_for_ever_takes_no_more_room(self) -> None:
        expiries = Expiries()
        for n in range(20_000):
            now = n / 10
            end = expiries.add("c", "k", ttl=60, expires=now + 60)
            expiries.discard("c", "k", end)
            list(expiries.due(now, 8))
        assert len(expiries) <= 32


async def _until_missing(store: MemoryStore, key: str, collection: str | None = None) -> None:
    while await store.get(key, collection=collection) is not None:
        await asyncio.sleep(0.005)
    # Freed up to an eighth of its time later.
    await asyncio.sleep(0.005)
