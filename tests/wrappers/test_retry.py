import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from typing_extensions import override

from key_value.aio.errors import (
    OutcomeUnknownError,
    SerializationError,
    StoreConnectionError,
    StoreSetupConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import Call, Interceptor
from key_value.aio.wrappers.retry import RetryWrapper
from tests.wrappers.able import AbleStore, FullStore, able
from tests.wrappers.flaky import Flaky

T = TypeVar("T")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Record the waiting times, in seconds, without waiting."""
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


async def test_the_deadline_counts_from_the_first_attempt(waits: Iterator[list[float]]) -> None:
    class Slow(Flaky):
        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)
            return await super()._around(call, proceed)

    slow = Slow(MemoryStore())
    slow.failures = -1
    with pytest.raises(StoreConnectionError):
        await RetryWrapper(slow, initial_delay=0.01, max_seconds=0.04).get("key")
    assert slow.calls == ["get"]


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


async def test_lists_are_tried_again_too(waits: Iterator[list[float]]) -> None:
    flaky = Flaky(MemoryStore())
    store = RetryWrapper(flaky)
    await store.put("key", {"n": 1})
    flaky.failures = 1
    assert await able(store).keys() == ["key"]


CONDITIONAL: dict[str, Callable[[AbleStore], Awaitable[object]]] = {
    "put_if_absent": lambda store: store.put_if_absent("key", {"n": 1}),
    "put_if_version": lambda store: store.put_if_version("key", {"n": 1}, version="1"),
    "delete_if_version": lambda store: store.delete_if_version("key", version="1"),
    "pop": lambda store: store.pop("key"),
}


class TestConditionalWrites:
    @pytest.mark.parametrize("operation", CONDITIONAL)
    async def test_are_not_repeated_if_the_answer_was_lost(self, operation: str) -> None:
        flaky = Flaky(FullStore(), StoreConnectionError())
        flaky.failures = 1
        with pytest.raises(OutcomeUnknownError, match=f"The response to {operation} was lost") as caught:
            await CONDITIONAL[operation](able(RetryWrapper(flaky)))
        assert caught.value.__cause__ is flaky.error
        assert flaky.calls == [operation]

    @pytest.mark.parametrize("operation", CONDITIONAL)
    @pytest.mark.parametrize("error", [StoreUnreachableError(), StoreSetupConnectionError()])
    async def test_are_repeated_if_nothing_was_sent(
        self, waits: Iterator[list[float]], operation: str, error: Exception
    ) -> None:
        flaky = Flaky(FullStore(), error)
        flaky.failures = 2
        await CONDITIONAL[operation](able(RetryWrapper(flaky)))
        assert flaky.calls == [operation] * 3

    async def test_an_answer_lost_at_a_retry_ends_the_retries(self, waits: Iterator[list[float]]) -> None:
        class FirstUnreachable(Interceptor):
            calls = 0

            @override
            async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
                self.calls += 1
                raise StoreUnreachableError if self.calls == 1 else StoreConnectionError

        store = FirstUnreachable(FullStore())
        with pytest.raises(OutcomeUnknownError):
            await able(RetryWrapper(store)).put_if_absent("key", {"n": 1})
        assert store.calls == 2

    async def test_other_abilities_are_repeated(self, waits: Iterator[list[float]]) -> None:
        flaky = Flaky(FullStore())
        store = able(RetryWrapper(flaky))
        await store.put("key", {"n": 1})
        for call in (store.get_versioned("key"), store.touch("key", ttl=5), store.scan()):
            flaky.failures = 1
            assert await call


@pytest.mark.parametrize("name", ["max_retries", "initial_delay", "max_delay", "max_seconds"])
def test_refuses_negative_numbers(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 0 or more, not -1"):
        RetryWrapper(MemoryStore(), **{name: -1})  # pyright: ignore[reportArgumentType] -- each is a number
