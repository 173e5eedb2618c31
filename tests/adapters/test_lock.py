"""`KeyValueLock` in one process; the leases of killed and suspended holders end only by time."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from typing_extensions import override

from key_value.aio.adapters.lock import KeyValueLock, LockLostError
from key_value.aio.errors import InvalidTTLError, StoreConnectionError
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.base import Call, Interceptor
from tests.wrappers.able import FullStore, SecondsStore, able
from tests.wrappers.flaky import Flaky

T = TypeVar("T")


@pytest.fixture
def inner() -> FullStore:
    return FullStore()


async def test_has_one_holder(inner: FullStore) -> None:
    holders = most = 0
    tokens: list[int] = []

    async def hold() -> None:
        nonlocal holders, most
        async with KeyValueLock(able(inner), "l", collection="c") as lock:
            holders += 1
            most = max(most, holders)
            tokens.append(lock.token)
            await asyncio.sleep(0.002)
            holders -= 1

    await asyncio.wait_for(asyncio.gather(*(hold() for _ in range(10))), 30)
    assert most == 1
    assert tokens == sorted(set(tokens))
    assert await inner.keys("c") == ["token:l"]


async def test_other_names_are_other_locks(inner: FullStore) -> None:
    async with KeyValueLock(able(inner), "a"), KeyValueLock(able(inner), "b") as other:
        assert other.token == 1


async def test_a_lease_is_a_timedelta_too() -> None:
    inner = SecondsStore()
    async with KeyValueLock(able(inner), "l", ttl=timedelta(minutes=5)):
        _, seconds = await inner.ttl("lock:l")
    assert seconds == pytest.approx(300, abs=60)
    with pytest.raises(InvalidTTLError):
        KeyValueLock(able(inner), "l", ttl=timedelta())


async def test_waits_as_long_as_it_may(inner: FullStore) -> None:
    async with KeyValueLock(able(inner), "l"):
        other = KeyValueLock(able(inner), "l")
        assert await other.acquire(timeout=0) is False
        assert await other.acquire(timeout=0.05) is False
    assert await other.acquire(timeout=0) is True
    await other.release()
    await other.release()


async def test_is_renewed_while_it_is_held(inner: FullStore) -> None:
    # The lease is long enough not to be lost between two renewals on a busy machine.
    async with KeyValueLock(able(inner), "l", ttl=5) as lock:
        first = inner.versions["default_collection", "lock:l"]
        while int(inner.versions["default_collection", "lock:l"]) < int(first) + 2:
            await asyncio.sleep(0.01)
        assert not lock.lost.is_set()
        assert await KeyValueLock(able(inner), "l").acquire(timeout=0) is False


@pytest.mark.parametrize("turns", range(6))
async def test_is_released_in_any_turn_of_a_renewal(turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11, which a store may use, loses a cancellation that meets the end."""
    renews, may_end = asyncio.Event(), asyncio.Event()

    class Slow(FullStore):
        @override
        async def put_if_version(self, key: str, value: Mapping[str, Any], **arguments: Any) -> str | None:
            renews.set()
            await asyncio.wait_for(may_end.wait(), 60)
            return await super().put_if_version(key, value, **arguments)

    may_end.set()
    lock = KeyValueLock(able(Slow()), "l", ttl=0.3)
    await lock.acquire()
    renews.clear()
    may_end.clear()
    await renews.wait()
    may_end.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.wait_for(lock.release(), 10)
    assert await lock.acquire(timeout=0) is True
    await lock.release()


async def test_a_lease_that_is_not_renewed_ends(inner: FullStore) -> None:
    """Its holder behaves as if its process had been killed."""
    lock = KeyValueLock(able(inner), "l", ttl=0.05)
    await lock.acquire()
    assert lock._renewal is not None
    lock._renewal.cancel()
    other = KeyValueLock(able(inner), "l")
    assert await other.acquire(timeout=30) is True
    assert other.token > lock.token
    await lock.release()
    assert await KeyValueLock(able(inner), "l").acquire(timeout=0) is False
    await other.release()


async def test_a_holder_that_was_overtaken_is_told(inner: FullStore) -> None:
    async with KeyValueLock(able(inner), "l", ttl=0.1) as lock:
        await inner.delete("lock:l")
        other = KeyValueLock(able(inner), "l")
        assert await other.acquire(timeout=0) is True
        await asyncio.wait_for(lock.lost.wait(), 30)
    assert await inner.get("lock:l") is not None
    await other.release()
    assert await inner.get("lock:l") is None


async def test_the_body_is_cancelled_on_request(inner: FullStore) -> None:
    ended = False

    async def hold() -> None:
        nonlocal ended
        async with KeyValueLock(able(inner), "l", ttl=0.1, cancel_on_loss=True):
            await inner.delete("lock:l")
            await asyncio.sleep(60)
            ended = True

    with pytest.raises(LockLostError, match="The lock 'l' was lost"):
        await hold()
    assert not ended
    # The task itself is not cancelled.
    await asyncio.sleep(0)


async def test_a_store_that_cannot_be_reached_for_a_lease_loses_the_lock(inner: FullStore) -> None:
    flaky = Flaky(able(inner))
    async with KeyValueLock(flaky, "l", ttl=0.2) as lock:
        flaky.failures = -1
        await asyncio.wait_for(lock.lost.wait(), 30)


async def test_a_short_outage_loses_nothing(inner: FullStore) -> None:
    flaky = Flaky(able(inner))
    async with KeyValueLock(flaky, "l", ttl=1) as lock:
        version = inner.versions["default_collection", "lock:l"]
        flaky.failures = 1
        while inner.versions["default_collection", "lock:l"] == version:
            await asyncio.sleep(0.01)
        assert not lock.lost.is_set()


async def test_a_renewal_whose_answer_was_lost_is_recognised(inner: FullStore) -> None:
    async with KeyValueLock(able(inner), "l", ttl=0.3) as lock:
        inner._store("default_collection", "lock:l", inner.entries["default_collection"]["lock:l"])
        version = inner.versions["default_collection", "lock:l"]
        while inner.versions["default_collection", "lock:l"] == version:
            await asyncio.sleep(0.01)
        assert not lock.lost.is_set()
        inner._store("default_collection", "lock:l", inner.entries["default_collection"]["lock:l"])
    assert await inner.get("lock:l") is None


async def test_a_release_that_fails_is_logged(inner: FullStore, caplog: pytest.LogCaptureFixture) -> None:
    flaky = Flaky(able(inner))
    async with KeyValueLock(flaky, "l"):
        flaky.failures = -1
    assert "The lock 'l' could not be released" in caplog.text


async def test_an_error_while_acquiring_leaves_it_free_to_try_again(inner: FullStore) -> None:
    flaky = Flaky(able(inner))
    lock = KeyValueLock(flaky, "l")
    flaky.failures = 1
    with pytest.raises(StoreConnectionError):
        await lock.acquire()
    assert await lock.acquire(timeout=0) is True
    await lock.release()


async def test_one_that_is_cancelled_while_it_acquires_leaves_no_lease(inner: FullStore) -> None:
    class Yielding(Interceptor):
        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            await asyncio.sleep(0)
            result = await proceed()
            await asyncio.sleep(0)
            return result

    acquired = False
    for steps in range(100):
        lock = KeyValueLock(Yielding(able(inner)), f"l{steps}")
        task = asyncio.create_task(lock.acquire())
        for _ in range(steps):
            await asyncio.sleep(0)
        if acquired := task.done():
            await lock.release()
            break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await inner.get(f"lock:l{steps}") is None
    assert acquired


async def test_an_error_while_it_draws_a_token_leaves_no_lease(inner: FullStore) -> None:
    class NoTokens(Interceptor):
        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            if call.keys == ("token:l",):
                raise StoreConnectionError
            return await proceed()

    with pytest.raises(StoreConnectionError):
        await KeyValueLock(NoTokens(able(inner)), "l").acquire()
    assert await inner.get("lock:l") is None


async def test_any_error_that_lasts_for_a_lease_loses_the_lock(inner: FullStore) -> None:
    flaky = Flaky(able(inner), RuntimeError("of a driver"))
    lock = KeyValueLock(flaky, "l", ttl=0.2)
    await lock.acquire()
    flaky.failures = -1
    await asyncio.wait_for(lock.lost.wait(), 30)
    await lock.release()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task does not count its cancellations")
async def test_a_body_that_another_has_cancelled_too_is_cancelled(inner: FullStore) -> None:
    lock = KeyValueLock(able(inner), "l", ttl=0.1, cancel_on_loss=True)
    held = asyncio.Event()

    async def hold() -> None:
        async with lock:
            await inner.delete("lock:l")
            held.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await held.wait()
    await lock.lost.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_is_not_held_twice_by_one_object(inner: FullStore) -> None:
    async with KeyValueLock(able(inner), "l") as lock:
        with pytest.raises(RuntimeError, match="holds or awaits the lock 'l'"):
            await lock.acquire()
    with pytest.raises(RuntimeError, match="is not held"):
        _ = lock.token


def test_says_what_it_needs(inner: FullStore) -> None:
    with pytest.raises(
        TypeError, match="NullStore cannot be used for a lock: it does not implement AsyncPutIfAbsentProtocol"
    ):
        KeyValueLock(NullStore(), "l")
    with pytest.raises(InvalidTTLError):
        KeyValueLock(able(inner), "l", ttl=0)
