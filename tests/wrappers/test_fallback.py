import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import pytest
from typing_extensions import override

from key_value.aio.errors import (
    InvalidTTLError,
    KeyValueStoreError,
    SerializationError,
    StoreConnectionError,
    StoreTimeoutError,
)
from key_value.aio.protocols import AsyncKeyValue, AsyncPopProtocol, AsyncScanProtocol
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.base import UNREACHABLE, Call, Interceptor
from key_value.aio.wrappers.fallback import FallbackWrapper, wrapper
from tests.wrappers.able import AbleStore, FullStore, able
from tests.wrappers.flaky import Flaky

T = TypeVar("T")


class Pair:
    """A primary store that can fail, and its fallback."""

    def __init__(self, *, write_to_fallback: bool = False, replay_writes: bool = False) -> None:
        self.primary = MemoryStore()
        self.flaky = Flaky(self.primary)
        self.fallback = MemoryStore()
        self.store = FallbackWrapper(
            self.flaky, self.fallback, write_to_fallback=write_to_fallback, replay_writes=replay_writes
        )

    def go_away(self) -> None:
        self.flaky.failures = -1

    def come_back(self) -> None:
        self.flaky.failures = 0


class Outages:
    """Two stores that can both fail."""

    def __init__(self) -> None:
        self.primary, self.fallback = Flaky(able(FullStore())), Flaky(MemoryStore())
        self.store = FallbackWrapper(self.primary, self.fallback, write_to_fallback=True, replay_writes=True)


@pytest.fixture
def outages() -> Outages:
    return Outages()


async def test_reads_the_second_only_when_the_first_is_away() -> None:
    pair = Pair()
    await pair.primary.put("k", {"in": "primary"})
    await pair.fallback.put_many(["k", "only"], [{"in": "fallback"}] * 2)
    assert await pair.store.get_many(["k", "only"]) == [{"in": "primary"}, None]
    pair.go_away()
    assert await pair.store.get("k") == {"in": "fallback"}
    assert await pair.store.ttl("k") == ({"in": "fallback"}, None)
    assert await pair.store.ttl_many(["only"]) == [({"in": "fallback"}, None)]
    assert sorted(await able(pair.store).keys()) == ["k", "only"]


async def test_writes_fail_with_the_first_unless_asked_otherwise() -> None:
    pair = Pair()
    pair.go_away()
    for write in (pair.store.put("k", {}), pair.store.delete("k"), pair.store.put_many(["k"], [{}])):
        with pytest.raises(StoreConnectionError):
            await write
    pair.store.write_to_fallback = True
    await pair.store.put("k", {"n": 1})
    assert await pair.fallback.get("k") == {"n": 1}


@pytest.mark.parametrize("error", [StoreTimeoutError(), ConnectionError(), asyncio.TimeoutError()])
async def test_being_away_has_several_names(error: Exception) -> None:
    fallback = MemoryStore()
    await fallback.put("k", {"n": 1})
    flaky = Flaky(MemoryStore(), error)
    flaky.failures = -1
    assert await FallbackWrapper(flaky, fallback).get("k") == {"n": 1}


async def test_a_mistake_is_no_outage() -> None:
    pair = Pair(write_to_fallback=True)
    with pytest.raises(InvalidTTLError):
        await pair.store.put("k", {}, ttl=-1)
    pair.flaky.error = KeyValueStoreError(message="refused")
    pair.go_away()
    with pytest.raises(KeyValueStoreError, match="refused"):
        await pair.store.get("k")


async def test_only_the_first_says_who_was_first() -> None:
    pair = Pair(write_to_fallback=True)
    pair.go_away()
    with pytest.raises(StoreConnectionError):
        await able(pair.store).put_if_absent("k", {})
    assert await pair.fallback.get("k") is None


class TestReplay:
    async def test_carries_over_what_was_written_meanwhile(self) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        await pair.store.put_many(["changed", "gone", "kept"], [{"n": 0}] * 3, collection="c")
        pair.go_away()
        await pair.store.put("changed", {"n": 1}, collection="c", ttl=1000)
        await pair.store.put("changed", {"n": 2}, collection="c", ttl=500)
        await pair.store.delete_many(["gone"], collection="c")
        await pair.store.put_many(["new"], [{"n": 3}])
        assert await pair.store.get("changed", collection="c") == {"n": 2}
        assert pair.store.pending == 3
        pair.come_back()
        found = await pair.store.get_many(["changed", "gone", "kept"], collection="c")
        assert found == [{"n": 2}, None, {"n": 0}]
        assert await pair.primary.get("new") == {"n": 3}
        seconds = (await pair.primary.ttl("changed", collection="c"))[1]
        assert seconds is not None
        assert 400 < seconds <= 500
        assert pair.store.pending == 0

    async def test_leaves_nothing_stale_for_the_next_outage(self) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put("k", {"n": 1})
        pair.come_back()
        assert await pair.store.replay() == 1
        await pair.store.put("k", {"n": 2})
        pair.go_away()
        assert await pair.store.get("k") is None

    async def test_a_write_that_failed_in_both_is_not_replayed(self) -> None:
        primary, away = MemoryStore(), Flaky(MemoryStore())
        flaky = Flaky(primary)
        store = FallbackWrapper(flaky, away, write_to_fallback=True, replay_writes=True)
        await store.put("k", {"n": 1})
        flaky.failures = away.failures = -1
        with pytest.raises(StoreConnectionError):
            await store.put("k", {"n": 2})
        flaky.failures = away.failures = 0
        assert await store.get("k") == {"n": 1}

    async def test_waits_while_the_first_is_still_away(self) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put("k", {"n": 1})
        with pytest.raises(StoreConnectionError):
            await pair.store.replay()
        assert pair.store.pending == 1
        assert await pair.store.get("k") == {"n": 1}

    async def test_what_the_first_refuses_is_told_and_stays(self, caplog: pytest.LogCaptureFixture) -> None:
        class Refusing(Interceptor):
            @override
            async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
                if call.operation == "put":
                    raise KeyValueStoreError(message="too large")
                return await proceed()

        fallback, flaky = MemoryStore(), Flaky(Refusing(MemoryStore()))
        store = FallbackWrapper(flaky, fallback, write_to_fallback=True, replay_writes=True)
        flaky.failures = -1
        await store.put("k", {"n": 1})
        flaky.failures = 0
        with caplog.at_level(logging.ERROR):
            assert await store.get("k") is None
        assert "'k' of 'default_collection' remains in the fallback store only" in caplog.text
        assert await fallback.get("k") == {"n": 1}

    async def test_the_first_is_used_while_the_second_cannot_be_read(self, outages: "Outages") -> None:
        store, primary, fallback = outages.store, outages.primary, outages.fallback
        await store.put("other", {"n": 0})
        primary.failures = -1
        await store.put_many(["k", "l"], [{"n": 1}] * 2)
        primary.failures, fallback.failures = 0, -1
        assert await store.get("other") == {"n": 0}
        await store.put("other", {"n": 1})
        assert store.pending == 2
        with pytest.raises(StoreConnectionError):
            await store.replay()
        fallback.failures = 0
        assert await store.get_many(["k", "l", "other"]) == [{"n": 1}] * 3
        assert store.pending == 0

    @pytest.mark.parametrize("conditional", [False, True])
    async def test_a_later_write_to_the_first_is_not_replaced(
        self, outages: "Outages", conditional: bool
    ) -> None:
        store, primary, fallback = outages.store, outages.primary, outages.fallback
        primary.failures = -1
        await store.put("k", {"n": 1})
        primary.failures, fallback.failures = 0, -1
        if conditional:
            assert await able(store).put_if_absent("k", {"n": 2}) is True
        else:
            await store.put("k", {"n": 2})
        fallback.failures = 0
        assert await store.get("k") == {"n": 2}
        assert store.pending == 0
        primary.failures = -1
        assert await store.get("k") is None

    async def test_what_cannot_be_removed_from_the_second_fails_no_operation(
        self, outages: "Outages"
    ) -> None:
        class ReadOnce(Flaky):
            @override
            async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
                if call.operation == "delete":
                    raise self.error
                return await proceed()

        store = FallbackWrapper(
            outages.primary, ReadOnce(MemoryStore()), write_to_fallback=True, replay_writes=True
        )
        await store.put("other", {"n": 0})
        outages.primary.failures = -1
        await store.put("k", {"n": 1})
        outages.primary.failures = 0
        assert await store.get("other") == {"n": 0}
        assert await outages.primary.get("k") == {"n": 1}

    @pytest.mark.parametrize(
        ("fallback_on", "error"),
        [(UNREACHABLE, ZeroDivisionError), ((Exception,), SerializationError)],
        ids=["of a driver", "of a value"],
    )
    async def test_an_error_that_is_no_outage_is_told_once(
        self,
        fallback_on: tuple[type[Exception], ...],
        error: type[Exception],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        class Refusing(Flaky):
            @override
            async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
                if call.operation == "put" and not self.failures:
                    raise error
                return await super()._around(call, proceed)

        primary = Refusing(MemoryStore())
        store = FallbackWrapper(
            primary, MemoryStore(), fallback_on, write_to_fallback=True, replay_writes=True
        )
        primary.failures = -1
        await store.put("k", {"n": 1})
        primary.failures = 0
        with caplog.at_level(logging.ERROR):
            assert await store.get("other") is None
        assert "'k' of 'default_collection' remains in the fallback store only" in caplog.text
        assert store.pending == 0

    async def test_closing_replays(self) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put("k", {"n": 1})
        pair.come_back()
        await pair.store.close()
        async with pair.primary:
            assert pair.store.pending == 0

    async def test_closing_tells_what_could_not_be_replayed(self) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put("k", {"n": 1})
        with pytest.raises(StoreConnectionError):
            await pair.store.close()
        assert pair.store.pending == 1
        assert pair.primary._closed
        assert pair.fallback._closed

    async def test_remembers_so_many_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wrapper, "MAXIMUM_PENDING", 2)
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put_many(["a", "b"], [{"n": 1}] * 2)
        with pytest.raises(StoreConnectionError):
            await pair.store.put("c", {"n": 1})

    def test_needs_writes(self) -> None:
        with pytest.raises(ValueError, match="replay_writes requires write_to_fallback"):
            Pair(replay_writes=True)

    @pytest.mark.parametrize("other", ["default_collection", ""])
    async def test_two_names_of_one_collection_are_one_entry(self, other: str) -> None:
        pair = Pair(write_to_fallback=True, replay_writes=True)
        pair.go_away()
        await pair.store.put("k", {"n": 1})
        await pair.store.put("k", {"n": 2}, collection=other)
        assert pair.store.pending == 1
        pair.come_back()
        assert await pair.store.replay() == 1
        assert await pair.primary.get("k") == {"n": 2}

    async def test_both_stores_use_the_default_collection_of_the_first(self) -> None:
        primary, fallback = FullStore("app"), FullStore("other")
        flaky = Flaky(cast("AsyncKeyValue", primary))
        store = FallbackWrapper(flaky, able(fallback), write_to_fallback=True, replay_writes=True)
        flaky.failures = -1
        await store.put("k", {"n": 1})
        assert await fallback.get("k", collection="app") == {"n": 1}
        flaky.failures = 0
        await store.replay()
        assert await primary.get("k") == {"n": 1}


class TestAbilities:
    def pair(self) -> tuple[Flaky, FullStore, AbleStore]:
        flaky, fallback = Flaky(cast("AsyncKeyValue", FullStore())), FullStore()
        return flaky, fallback, able(FallbackWrapper(flaky, able(fallback), write_to_fallback=True))

    async def test_what_one_store_decides_fails_with_the_first(self) -> None:
        flaky, fallback, store = self.pair()
        await fallback.put("k", {"n": 1})
        flaky.failures = -1
        for call in (
            store.put_if_absent("x", {}),
            store.get_versioned("k"),
            store.put_if_version("k", {}, version="1"),
            store.delete_if_version("k", version="1"),
            store.pop("k"),
            store.scan(),
            store.cull(),
        ):
            with pytest.raises(StoreConnectionError):
                await call
        assert await fallback.get("k") == {"n": 1}

    async def test_touch_is_a_write(self) -> None:
        flaky, fallback, store = self.pair()
        await fallback.put("k", {"n": 1})
        flaky.failures = -1
        assert await store.touch("k", ttl=100)
        assert (await fallback.ttl("k"))[1] is not None

    def test_versions_need_only_the_first_store(self) -> None:
        store = FallbackWrapper(able(FullStore()), MemoryStore())
        assert isinstance(store, AsyncScanProtocol)
        assert isinstance(FallbackWrapper(able(FullStore()), NullStore()), AsyncPopProtocol)
        assert not isinstance(FallbackWrapper(NullStore(), able(FullStore())), AsyncPopProtocol)
