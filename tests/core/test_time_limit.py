"""Time limits of hooks."""

import asyncio
import sys
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

import pytest

from key_value.aio._utils.time_limit import TimeLimit

T = TypeVar("T")


async def bound(limit: TimeLimit, call: Awaitable[T]) -> T:
    with limit.start():
        return await call


async def test_a_call_ends_in_time() -> None:
    ended = False

    async def hang() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    with pytest.raises(TimeoutError) as caught:
        await bound(TimeLimit(0.01), hang())
    assert type(caught.value) is TimeoutError
    assert ended
    assert await bound(TimeLimit(60), asyncio.sleep(0, "done")) == "done"


async def test_a_cancelled_call_is_cancelled() -> None:
    task = asyncio.ensure_future(bound(TimeLimit(60), asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_response_that_arrives_while_the_loop_is_blocked_is_in_time() -> None:
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()
    call = asyncio.create_task(bound(TimeLimit(0.05), arrived.wait()))
    await asyncio.sleep(0)
    loop.call_soon_threadsafe(arrived.set)
    time.sleep(0.2)  # noqa: ASYNC251 -- blocks the loop
    assert await call


async def test_each_call_has_the_whole_time() -> None:
    limit, loop, ended = TimeLimit(0.05), asyncio.get_running_loop(), asyncio.Event()

    async def hang() -> float:
        begun = loop.time()
        with pytest.raises(TimeoutError):
            await bound(limit, asyncio.Event().wait())
        ended.set()
        return loop.time() - begun

    first = asyncio.create_task(hang())
    await asyncio.sleep(0.02)
    second, third = asyncio.create_task(hang()), asyncio.create_task(bound(limit, ended.wait()))
    assert await third  # It was in progress when the first one ended.
    # An event loop may round its clock to milliseconds.
    assert min(await first, await second) >= 0.049
    assert await hang() >= 0.049


async def test_a_caller_that_is_cancelled_at_the_deadline_is_cancelled() -> None:
    async def be_late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            caller.cancel()

    caller = asyncio.ensure_future(bound(TimeLimit(0.01), be_late()))
    # Python 3.10 does not count a task's cancellations.
    expected = (
        asyncio.CancelledError if sys.version_info >= (3, 11) else (TimeoutError, asyncio.CancelledError)
    )
    with pytest.raises(expected):
        await caller


async def test_a_call_that_ends_late_all_the_same_leaves_its_caller_uncancelled() -> None:
    async def ignore_the_deadline() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "done"

    async def call() -> str:
        found = await bound(TimeLimit(0.01), ignore_the_deadline())
        task = asyncio.current_task()
        if sys.version_info >= (3, 11) and task is not None:
            assert not task.cancelling()
        return found

    assert await asyncio.create_task(call()) == "done"


def test_calls_of_two_loops_that_a_thread_runs_by_turns_end_in_time() -> None:
    limit = TimeLimit(0.02)
    loops = [asyncio.new_event_loop() for _ in range(2)]
    tasks = [loop.create_task(bound(limit, asyncio.Event().wait())) for loop in loops]
    for loop in loops:
        loop.run_until_complete(asyncio.sleep(0))
    for loop, task in zip(loops, tasks, strict=True):
        with pytest.raises(TimeoutError):
            loop.run_until_complete(task)
        loop.close()
