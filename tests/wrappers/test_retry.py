import asyncio
from collections.abc import Iterator

import pytest

from key_value.aio.errors import (
    SerializationError,
    StoreConnectionError,
    StoreSetupConnectionError,
    StoreTimeoutError,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import Call
from key_value.aio.wrappers.retry import RetryWrapper
from tests.wrappers.able import able
from tests.wrappers.flaky import Flaky


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds that were waited, without waiting."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    return iter([waited])


@pytest.mark.parametrize(
    "error",
    [
        StoreConnectionError(),
        StoreTimeoutError(),
        StoreSetupConnectionError(),
        ConnectionResetError(),
        asyncio.TimeoutError(),
    ],
)
async def test_tries_again_what_could_not_be_reached(waits: Iterator[list[float]], error: Exception) -> None:
    flaky = Flaky(MemoryStore(), error)
    store = RetryWrapper(flaky)
    flaky.failures = 3
    await store.put("key", {"n": 1})
    assert flaky.calls == ["put"] * 4
    assert len(next(waits)) == 3


async def test_waits_longer_each_time_and_never_two_alike(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    flaky.failures = 6
    await RetryWrapper(flaky, max_retries=6, initial_delay=1, max_delay=10, exponential_base=2).get("key")
    waited = next(waits)
    for longest, seconds in zip([1, 2, 4, 8, 10, 10], waited, strict=True):
        assert longest / 2 <= seconds <= longest
    assert len(set(waited)) == 6


async def test_raises_the_last_error(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    flaky.failures = -1
    with pytest.raises(StoreConnectionError) as caught:
        await RetryWrapper(flaky, max_retries=2).delete("key")
    assert caught.value is flaky.error
    assert len(flaky.calls) == 3


async def test_a_mistake_is_not_tried_again(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    with pytest.raises(SerializationError):
        await RetryWrapper(flaky).put("key", {"a": {1}})
    assert flaky.calls == ["put"]


async def test_no_attempt_begins_after_the_deadline(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    flaky.failures = -1
    with pytest.raises(StoreConnectionError):
        await RetryWrapper(flaky, max_retries=100, initial_delay=1, max_seconds=0.4).get("key")
    assert flaky.calls == ["get"]


async def test_says_that_it_will_try_again(waits: Iterator[list[float]]) -> None:
    told: list[tuple[Call, Exception, float]] = []

    def note(call: Call, error: Exception, seconds: float) -> None:
        told.append((call, error, seconds))

    flaky = Flaky(MemoryStore())
    flaky.failures = 1
    store = RetryWrapper(flaky, before_retry=note)
    await store.get_many(["a", "b"], collection="c")
    [(call, error, seconds)] = told
    assert (call.operation, call.collection, list(call.keys)) == ("get_many", "c", ["a", "b"])
    assert error is flaky.error
    assert [seconds] == next(waits)


async def test_retries_of_lists_and_claims_too(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    store = RetryWrapper(flaky)
    flaky.failures = 1
    assert await able(store).put_if_absent("key", {"n": 1})
    flaky.failures = 1
    assert await able(store).keys() == ["key"]


@pytest.mark.parametrize("name", ["max_retries", "initial_delay", "max_delay", "max_seconds"])
def test_refuses_negative_numbers(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 0 or more, not -1"):
        RetryWrapper(MemoryStore(), **{name: -1})  # pyright: ignore[reportArgumentType] -- each is a number
