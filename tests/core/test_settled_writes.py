"""A write runs to its end, whatever becomes of its caller."""

import asyncio

import pytest

from key_value.aio.stores.base.calls import settled


async def test_a_caller_that_is_cancelled_waits_for_its_write() -> None:
    may_end = asyncio.Event()
    written: list[str] = []

    async def write() -> None:
        await may_end.wait()
        written.append("k")

    caller = asyncio.create_task(settled(write()))
    await asyncio.sleep(0)
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert written == ["k"]


async def test_a_write_that_is_cancelled_before_it_begins_leaves_no_caller_waiting() -> None:
    async def write() -> None:
        raise AssertionError

    before = asyncio.all_tasks()
    caller = asyncio.create_task(settled(write()))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before - {caller}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(caller, 10)


async def test_an_error_of_a_write_is_the_callers() -> None:
    async def write() -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await settled(write())
