"""Copies of entries between stores that misbehave in a known way."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio.cli.copying import Copied, Copier
from key_value.aio.cli.running import UnableError
from key_value.aio.errors import StoreConnectionError
from key_value.aio.protocols import TimeToLive
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore


class Target(MemoryStore):
    """A store that counts its batches, and fails or changes values on demand."""

    def __init__(
        self, *, breaks_at: int | None = None, changes: str | None = None, forgets_ttl: bool = False
    ) -> None:
        super().__init__()
        self.batches: list[tuple[int, float | None]] = []
        self.breaks_at, self.changes, self.forgets_ttl = breaks_at, changes, forgets_ttl

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        if len(self.batches) == self.breaks_at:
            raise StoreConnectionError("gone")
        assert ttl is None or isinstance(ttl, float)
        self.batches.append((len(keys), ttl))
        values = [
            {"n": True} if key == self.changes else value for key, value in zip(keys, values, strict=True)
        ]
        await super().put_many(keys, values, collection=collection, ttl=None if self.forgets_ttl else ttl)


@pytest.fixture
async def source() -> MemoryStore:
    store = MemoryStore()
    for collection in ("a", "b"):
        await store.put_many(["k1", "k2", "k3"], [{"n": 1}] * 3, collection=collection)
        await store.put_many(["t1", "t2"], [{"n": 1}] * 2, collection=collection, ttl=1000)
    await store.put("t3", {"n": 1.5}, collection="b", ttl=50)
    return store


async def test_times_to_live_are_kept_in_few_batches(source: MemoryStore) -> None:
    target = Target()
    done = await Copier(source, target).copy([])
    assert (done.collections, done.copied, done.skipped, done.expired) == (2, 11, 0, 0)
    assert sorted(count for count, _ in target.batches) == [1, 2, 2, 3, 3]
    for key, most in {"k1": None, "t1": 1000, "t3": 50}.items():
        value, seconds = await target.ttl(key, collection="b")
        assert value == await source.get(key, collection="b")
        assert seconds is None if most is None else seconds is not None and most - 10 < seconds <= most


async def test_an_entry_does_not_live_longer_for_being_copied(source: MemoryStore) -> None:
    target = Target()
    await Copier(source, target).copy(["b"])
    _, left = await source.ttl("t3", collection="b")
    _, copied = await target.ttl("t3", collection="b")
    assert left is not None
    assert copied is not None
    # The target's TTL was read later.
    assert copied <= left + 0.01


async def test_named_collections_and_pages(source: MemoryStore) -> None:
    target = Target()
    reported: list[tuple[str, int]] = []

    def report(collection: str, done: Copied) -> None:
        reported.append((collection, done.copied))

    await Copier(source, target, page_size=2, report=report).copy(["b"])
    assert await target.collections() == ["b"]
    assert reported == [("b", 0), ("b", 2), ("b", 4), ("b", 6)]


async def test_what_is_at_the_target_besides_stays(source: MemoryStore) -> None:
    target = Target()
    await target.put("other", {}, collection="a")
    await target.put("k1", {"n": 2}, collection="a")
    await Copier(source, target).copy([])
    assert await target.get_many(["other", "k1"], collection="a") == [{}, {"n": 1}]


async def test_resume_writes_what_is_missing_or_differs(source: MemoryStore) -> None:
    broken = Target(breaks_at=2)
    with pytest.raises(StoreConnectionError):
        await Copier(source, broken, page_size=1).copy([])
    broken.breaks_at = None
    await broken.put("k1", {"n": 1.0}, collection="a")
    await broken.put("k2", {"n": 1}, collection="a", ttl=10)
    done = await Copier(source, broken, resume=True, verify=True).copy([])
    assert done.skipped < 2
    assert done.copied + done.skipped == 11
    assert done.verified == done.copied
    value, seconds = await broken.ttl("k2", collection="a")
    assert (value, seconds) == ({"n": 1}, None)
    again = await Copier(source, broken, resume=True).copy([])
    assert (again.copied, again.skipped) == (0, 11)


async def test_an_error_is_raised_after_the_other_batches_have_ended(source: MemoryStore) -> None:
    broken = Target(breaks_at=1)
    with pytest.raises(StoreConnectionError):
        await Copier(source, broken).copy(["b"])
    assert len(broken.batches) == 1


@pytest.mark.parametrize(
    ("target", "different"),
    [
        (Target(changes="k2"), [("b", "k2")]),
        (Target(forgets_ttl=True), [("b", "t1"), ("b", "t2"), ("b", "t3")]),
        (NullStore(), [("b", key) for key in ("k1", "k2", "k3", "t1", "t2", "t3")]),
    ],
)
async def test_verify_names_what_differs(
    source: MemoryStore, target: MemoryStore, different: list[tuple[str, str]]
) -> None:
    done = await Copier(source, target, verify=True).copy(["b"])
    assert sorted(done.different) == different
    assert done.differences == len(different)
    assert done.verified == 6 - len(different)


class Slow(MemoryStore):
    """A store that returns entries only after they have expired."""

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        found = await super().ttl_many(keys, collection=collection)
        while any(await super().get_many(["t1", "t2"], collection=collection)):
            await asyncio.sleep(0.001)
        return [(value, None if seconds is None else -0.001) for value, seconds in found]


async def test_what_expires_meanwhile_is_neither_copied_nor_different() -> None:
    source, target = Slow(), Target()
    await source.put_many(["t1", "t2"], [{}, {}], ttl=0.2)
    await source.put("c", {})
    done = await Copier(source, target, verify=True).copy([])
    assert await target.keys() == ["c"]
    assert (done.copied, done.copied + done.expired, done.differences) == (1, 3, 0)


async def test_a_source_that_cannot_list_is_named() -> None:
    with pytest.raises(UnableError, match="NullStore has no collections: name them with --collection"):
        await Copier(NullStore(), MemoryStore()).copy([])
    with pytest.raises(UnableError, match="NullStore has no keys"):
        await Copier(NullStore(), MemoryStore()).copy(["a"])


async def test_a_source_without_scan_is_copied_by_its_keys() -> None:
    class Listing(NullStore):
        @override
        async def ttl_many(self, keys: Sequence[str], *, collection: str | None = None) -> Any:
            return [({"key": key}, None) for key in keys]

        async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
            return ["a", "b", "c"]

    target = Target()
    await Copier(Listing(), target, page_size=2).copy(["x"])
    assert sorted(await target.keys("x")) == ["a", "b", "c"]
    assert [count for count, _ in target.batches] == [2, 1]
