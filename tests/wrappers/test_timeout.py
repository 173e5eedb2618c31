import asyncio
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio.errors import StoreTimeoutError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.timeout import TimeoutWrapper
from tests.wrappers.flaky import Flaky


class Slow(BaseWrapper):
    cancelled = False

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return None


async def test_gives_up_and_cancels_the_operation() -> None:
    slow = Slow(MemoryStore())
    with pytest.raises(StoreTimeoutError, match=r"get took longer than 0\.01 s") as caught:
        await TimeoutWrapper(slow, timeout=0.01).get("key", collection="c")
    assert isinstance(caught.value, TimeoutError)
    assert slow.cancelled


async def test_a_timeout_of_the_store_is_its_own() -> None:
    flaky = Flaky(MemoryStore(), TimeoutError("the store's own"))
    flaky.failures = 1
    with pytest.raises(TimeoutError, match="the store's own") as caught:
        await TimeoutWrapper(flaky, timeout=60).get("key")
    assert caught.value is flaky.error


async def test_a_cancellation_from_outside_stays_one() -> None:
    task = asyncio.create_task(TimeoutWrapper(Slow(MemoryStore()), timeout=60).get("key"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_positive(timeout: float) -> None:
    with pytest.raises(ValueError, match=f"timeout must be a positive number of seconds, not {timeout}"):
        TimeoutWrapper(MemoryStore(), timeout=timeout)


async def test_a_timeout_can_be_changed() -> None:
    wrapper = TimeoutWrapper(Slow(MemoryStore()), timeout=60)
    wrapper.timeout = 0.01
    with pytest.raises(StoreTimeoutError, match=r"longer than 0\.01 s"):
        await wrapper.get("key")
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        wrapper.timeout = 0
    assert wrapper.timeout == 0.01
