import asyncio
import gc
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from typing_extensions import override

from key_value.aio.errors import InvalidTTLError, StoreConnectionError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper, Call
from key_value.aio.wrappers.passthrough_cache import PassthroughCacheWrapper, cache
from tests.wrappers.able import AbleStore, FullStore, able
from tests.wrappers.flaky import Flaky

T = TypeVar("T")

Found = tuple[dict[str, Any] | None, float | None]


class Cached:
    """A primary store whose calls are counted, and a cache that can fail."""

    def __init__(self, **options: Any) -> None:
        self.inner = MemoryStore()
        self.primary = Flaky(self.inner)
        self.cache_inner = MemoryStore()
        self.cache = Flaky(self.cache_inner)
        self.store = PassthroughCacheWrapper(self.primary, self.cache, **options)

    @property
    def reads(self) -> int:
        return len([name for name in self.primary.calls if name.startswith(("get", "ttl"))])


@pytest.mark.parametrize("steps", range(12))
async def test_a_read_that_is_cancelled_leaves_no_coroutine_unawaited(steps: int) -> None:
    class Yielding(Flaky):
        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            await asyncio.sleep(0)
            return await super()._around(call, proceed)

    inner = MemoryStore()
    await inner.put("for ever", {"n": 1})
    await inner.put("for an hour", {"n": 2}, ttl=3600)
    store = PassthroughCacheWrapper(Yielding(inner), Yielding(MemoryStore()))
    reading = asyncio.create_task(store.get_many(["for ever", "for an hour"]))
    for _ in range(steps):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    gc.collect()
    assert await store.get_many(["for ever", "for an hour"]) == [{"n": 1}, {"n": 2}]


async def test_reads_the_primary_once() -> None:
    cached = Cached()
    await cached.store.put("k", {"n": 1}, collection="c")
    for _ in range(3):
        assert await cached.store.get("k", collection="c") == {"n": 1}
        assert await cached.store.get_many(["k", "k"], collection="c") == [{"n": 1}] * 2
    assert cached.reads == 1
    assert await cached.cache_inner.get("k", collection="c") == {"n": 1}


async def test_a_full_hit_asks_the_primary_nothing() -> None:
    cached = Cached()
    await cached.store.put_many(["a", "b"], [{"n": 1}, {"n": 2}])
    await cached.store.get_many(["a", "b"])
    before = cached.reads
    assert await cached.store.get_many(["a", "b"]) == [{"n": 1}, {"n": 2}]
    assert await cached.store.get_many([]) == []
    assert cached.reads == before


@pytest.mark.parametrize("write", ["put", "put_many", "delete", "delete_many", "put_if_absent"])
async def test_a_write_is_seen_at_once(write: str) -> None:
    cached = Cached()
    store = able(cached.store)
    if write != "put_if_absent":
        await store.put("k", {"n": 1})
        assert await store.get("k") == {"n": 1}
    writes = {
        "put": lambda: store.put("k", {"n": 2}),
        "put_many": lambda: store.put_many(["k"], [{"n": 2}]),
        "delete": lambda: store.delete("k"),
        "delete_many": lambda: store.delete_many(["k"]),
        "put_if_absent": lambda: store.put_if_absent("k", {"n": 2}),
    }
    await writes[write]()
    assert await store.get("k") == (None if write.startswith("delete") else {"n": 2})


async def test_ttl_is_what_the_primary_says() -> None:
    cached = Cached(maximum_ttl=10)
    await cached.store.put("timed", {"n": 1}, ttl=1000)
    await cached.store.put("lasting", {"n": 2})
    for _ in range(2):
        value, seconds = await cached.store.ttl("timed")
        assert value == {"n": 1}
        assert seconds is not None
        assert 990 < seconds <= 1000
        assert await cached.store.ttl_many(["lasting", "none"]) == [({"n": 2}, None), (None, None)]
    _, kept = await cached.cache_inner.ttl("timed")
    assert kept is not None
    assert kept <= 10


async def test_a_cached_value_of_unknown_ttl_is_read_again() -> None:
    cached = Cached()
    await cached.inner.put("k", {"n": 1}, ttl=1000)
    await cached.cache_inner.put("k", {"n": 1})
    assert await cached.store.get("k") == {"n": 1}
    assert cached.reads == 0
    _, seconds = await cached.store.ttl("k")
    assert seconds is not None
    assert cached.reads == 1


class Paused(BaseWrapper):
    """Wrapper that pauses after a read until it is released."""

    def __init__(self, key_value: AsyncKeyValue) -> None:
        super().__init__(key_value)
        self.reads = 0
        self.has_read = asyncio.Event()
        self.let_go = asyncio.Event()

    @override
    async def ttl_many(self, keys: Any, *, collection: str | None = None) -> list[Found]:
        found = await super().ttl_many(keys, collection=collection)
        self.reads += 1
        self.has_read.set()
        await self.let_go.wait()
        return found


@pytest.mark.parametrize("write", ["put", "destroy_collection"])
async def test_a_load_does_not_cache_what_was_replaced_meanwhile(write: str) -> None:
    primary, cache_store = Paused(MemoryStore()), MemoryStore()
    store = PassthroughCacheWrapper(primary, cache_store)
    await primary.put("k", {"n": 1}, collection="c")
    loading = asyncio.create_task(store.get("k", collection="c"))
    await asyncio.wait_for(primary.has_read.wait(), timeout=10)
    writes: dict[str, Callable[[], Awaitable[object]]] = {
        "put": lambda: store.put("k", {"n": 2}, collection="c"),
        "destroy_collection": lambda: able(store).destroy_collection("c"),
    }
    writing = asyncio.ensure_future(writes[write]())
    for _ in range(5):
        await asyncio.sleep(0)
    primary.let_go.set()
    await asyncio.wait_for(asyncio.gather(loading, writing), timeout=10)
    assert await store.get("k", collection="c") == ({"n": 2} if write == "put" else None)
    assert await cache_store.get("k", collection="c") == ({"n": 2} if write == "put" else None)


async def test_one_task_loads_for_all() -> None:
    primary = Paused(MemoryStore())
    store = PassthroughCacheWrapper(primary, MemoryStore())
    await primary.put_many(["a", "b"], [{"n": 1}, {"n": 2}])
    singles = [asyncio.create_task(store.get("a")) for _ in range(20)]
    batches = [asyncio.create_task(store.get_many(["b", "a"])) for _ in range(20)]
    await asyncio.wait_for(primary.has_read.wait(), timeout=10)
    primary.let_go.set()
    assert await asyncio.gather(*singles) == [{"n": 1}] * 20
    assert await asyncio.gather(*batches) == [[{"n": 2}, {"n": 1}]] * 20
    assert primary.reads == 2


async def test_a_failing_cache_is_a_miss() -> None:
    cached = Cached()
    await cached.store.put("k", {"n": 1})
    cached.cache.failures = -1
    assert await cached.store.get("k") == {"n": 1}
    assert await cached.store.get_many(["k", "x"]) == [{"n": 1}, None]
    assert (await cached.store.ttl("k"))[0] == {"n": 1}


async def test_what_could_not_be_invalidated_is_not_read() -> None:
    cached = Cached()
    await cached.store.put("k", {"n": 1})
    await cached.store.get("k")
    cached.cache.failures = -1
    await cached.store.put("k", {"n": 2})
    cached.cache.failures = 0
    assert await cached.cache_inner.get("k") == {"n": 1}
    assert await cached.store.get("k") == {"n": 2}
    assert await cached.store.get_many(["k"]) == [{"n": 2}]


async def test_too_much_that_could_not_be_invalidated_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAXIMUM_STALE", 1)
    cached = Cached()
    cached.cache.failures = -1
    await cached.store.put("a", {"n": 1})
    with pytest.raises(StoreConnectionError):
        await cached.store.put("b", {"n": 1})
    assert await cached.inner.get("b") is None


async def test_a_failing_primary_fails() -> None:
    cached = Cached()
    cached.primary.failures = -1
    with pytest.raises(StoreConnectionError):
        await cached.store.get("k")


async def test_misses_are_remembered_on_request() -> None:
    cached = Cached(negative_ttl=1000)
    assert await cached.store.get("k") is None
    assert await cached.store.get("k") is None
    assert await cached.store.get_many(["k"]) == [None]
    assert await cached.store.ttl("k") == (None, None)
    assert cached.reads == 1
    await cached.store.put("k", {"n": 1})
    assert await cached.store.get("k") == {"n": 1}


async def test_a_miss_that_is_remembered_for_no_time_is_refused() -> None:
    for negative_ttl in (0, -1, timedelta()):
        with pytest.raises(InvalidTTLError):
            Cached(negative_ttl=negative_ttl)


async def test_times_are_timedeltas_too() -> None:
    hour = timedelta(hours=1)
    cached = Cached(maximum_ttl=hour, missing_ttl=hour, negative_ttl=hour)
    assert await cached.store.get("k") is None
    assert await cached.store.get("k") is None
    assert cached.reads == 1
    await cached.store.put("k", {"n": 1}, ttl=hour)
    assert await cached.store.get("k") == {"n": 1}
    assert (await cached.cache_inner.ttl("k"))[1] == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("negative_ttl", [0.02, timedelta(milliseconds=20)])
async def test_misses_are_forgotten_in_time(negative_ttl: float | timedelta) -> None:
    cached = Cached(negative_ttl=negative_ttl)
    assert await cached.store.get("k") is None
    await cached.inner.put("k", {"n": 1})
    while await cached.store.get("k") is None:
        await asyncio.sleep(0.005)


async def test_lists_what_the_primary_has() -> None:
    cached = Cached()
    await cached.inner.put("k", {"n": 1}, collection="c")
    store = able(cached.store)
    assert await store.keys("c") == ["k"]
    assert await store.collections() == ["c"]
    assert await store.get("k", collection="c") == {"n": 1}
    assert await store.destroy() is True
    assert await store.get("k", collection="c") is None
    assert await cached.cache_inner.collections() == []


@pytest.mark.parametrize("options", [{"maximum_ttl": 0}, {"missing_ttl": -1}])
def test_refuses_what_is_no_lifetime(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidTTLError):
        Cached(**options)


class TestCollections:
    async def test_stores_with_different_defaults_do_not_mix_them(self) -> None:
        primary, cache_store = MemoryStore(default_collection="app"), MemoryStore()
        store = PassthroughCacheWrapper(primary, cache_store)
        await store.put("j", {"in": "app"})
        assert await store.get("j") == {"in": "app"}
        assert await store.get("j", collection="default_collection") is None
        assert await store.get("j", collection="app") == {"in": "app"}

    @pytest.mark.parametrize(("write", "read"), [(None, "app"), ("app", None), ("", "app"), ("app", "")])
    async def test_a_write_under_one_name_is_seen_under_the_other(
        self, write: str | None, read: str | None
    ) -> None:
        store = PassthroughCacheWrapper(MemoryStore(default_collection="app"), MemoryStore())
        await store.put("j", {"n": 1}, collection=write)
        assert await store.get("j", collection=read) == {"n": 1}
        await store.put("j", {"n": 2}, collection=write)
        assert await store.get("j", collection=read) == {"n": 2}


class TestAbilities:
    @pytest.fixture
    async def primary(self) -> FullStore:
        primary = FullStore()
        await primary.put("k", {"n": 1})
        return primary

    @pytest.fixture
    async def store(self, primary: FullStore) -> AbleStore:
        store = able(PassthroughCacheWrapper(able(primary), able(FullStore())))
        assert await store.get("k") == {"n": 1}
        return store

    async def test_a_write_by_version_is_seen_at_once(self, store: AbleStore) -> None:
        found = await store.get_versioned("k")
        assert found is not None
        assert await store.put_if_version("k", {"n": 2}, version=found.version)
        assert await store.get("k") == {"n": 2}

    async def test_a_version_is_the_primary_stores(self, store: AbleStore, primary: FullStore) -> None:
        await primary.put("k", {"n": 2})
        assert await store.get("k") == {"n": 1}
        found = await store.get_versioned("k")
        assert found is not None
        assert (found.value, found.version) == ({"n": 2}, primary.versions["default_collection", "k"])
        assert await store.get("k") == {"n": 2}

    async def test_what_is_removed_is_gone_at_once(self, store: AbleStore) -> None:
        assert await store.pop("k") == {"n": 1}
        assert await store.get("k") is None
        await store.put("k", {"n": 2})
        assert await store.get("k") == {"n": 2}
        found = await store.get_versioned("k")
        assert found is not None
        assert await store.delete_if_version("k", version=found.version)
        assert await store.get("k") is None

    async def test_touch_is_seen_at_once(self, store: AbleStore) -> None:
        assert (await store.ttl("k"))[1] is None
        assert await store.touch("k", ttl=100)
        assert (await store.ttl("k"))[1] is not None

    async def test_scan_is_the_primary_stores(self, store: AbleStore) -> None:
        assert (await store.scan()).keys == ["k"]
