"""How hooks are called: bounded in time, also on Python 3.10, which has no `asyncio.timeout`."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from key_value.aio.stores.base.calls import _bounded_by_timer, bounded

Bound = Callable[[Awaitable[Any], float], Coroutine[Any, Any, Any]]

BOUNDS: tuple[Bound, ...] = (bounded, _bounded_by_timer)


@pytest.mark.parametrize("bound", BOUNDS)
async def test_a_call_ends_in_time(bound: Bound) -> None:
    ended = False

    async def hang() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    with pytest.raises(TimeoutError) as caught:
        await bound(hang(), 0.01)
    assert type(caught.value) is TimeoutError
    assert ended
    assert await bound(asyncio.sleep(0, "done"), 60) == "done"


@pytest.mark.parametrize("bound", BOUNDS)
async def test_a_cancelled_call_is_cancelled(bound: Bound) -> None:
    task = asyncio.ensure_future(bound(asyncio.sleep(60), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_call_whose_loop_ended_before_it_began_warns_of_nothing() -> None:
    """A coroutine that is dropped without having begun is reported, and fails this test."""

    async def call() -> None:
        await asyncio.sleep(0)

    def ignore(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
        """The loop reports what is pending when it ends."""

    for turns in range(1, 4):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(ignore)
        task = loop.create_task(bounded(call(), 60))
        for _ in range(turns):
            loop.call_soon(loop.stop)
            loop.run_forever()
        loop.close()
        del task
        gc.collect()
