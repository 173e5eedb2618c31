"""Writes to an entry, which run one after another and to completion even if their caller is cancelled."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import pytest

from key_value.aio._utils.time_limit import TimeLimit
from key_value.aio.stores.base.calls import WriteOrder

T = TypeVar("T")


async def attempt(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


async def attempt_in_time(seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    with TimeLimit(seconds).start():
        return await call()


class Writes:
    """Writes that finish once they are released, and then record their names."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._may_end: dict[str, asyncio.Event] = {}

    def write(self, name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        self._may_end[name] = asyncio.Event()

        async def write() -> None:
            self.begun.append(name)
            await self._may_end[name].wait()
            self.ended.append(name)

        return write

    async def end(self, name: str) -> None:
        self._may_end[name].set()
        await pass_turns()


async def pass_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
def order() -> WriteOrder:
    return WriteOrder()


@pytest.mark.parametrize("cancellations", [1, 3])
async def test_a_caller_that_is_cancelled_waits_for_its_write(
    writes: Writes, order: WriteOrder, cancellations: int
) -> None:
    caller = asyncio.create_task(order.run(["k"], writes.write("first"), attempt))
    await pass_turns()
    for _ in range(cancellations):
        caller.cancel()
        await pass_turns()
    assert not caller.done()
    await writes.end("first")
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert writes.ended == ["first"]
    assert order._last == {}


@pytest.mark.parametrize("settles", [False, True])
async def test_writes_to_an_entry_are_done_in_order_and_others_at_once(
    writes: Writes, order: WriteOrder, settles: bool
) -> None:
    callers = [
        asyncio.create_task(order.run(entries, writes.write(name), attempt, settles=settles))
        for name, entries in {"1": ["a"], "2": ["a", "b"], "3": ["b"], "4": ["c"], "5": ["a"]}.items()
    ]
    await pass_turns()
    assert writes.begun == ["1", "4"]
    await writes.end("1")
    assert writes.begun == ["1", "4", "2"]
    await writes.end("2")
    assert writes.begun == ["1", "4", "2", "3", "5"]
    for name in "345":
        await writes.end(name)
    await asyncio.gather(*callers)
    assert order._last == {}


@pytest.mark.parametrize("settles", [False, True])
async def test_a_write_that_is_given_up_while_it_waits_is_not_done_and_holds_its_place(
    writes: Writes, order: WriteOrder, settles: bool
) -> None:
    first, second, third = (
        asyncio.create_task(order.run(["k"], writes.write(name), attempt, settles=settles)) for name in "123"
    )
    await pass_turns()
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await pass_turns()
    assert writes.begun == ["1"]
    await writes.end("1")
    assert writes.begun == ["1", "3"]
    await writes.end("3")
    await asyncio.gather(first, third)
    assert order._last == {}


@pytest.mark.parametrize("settles", [False, True])
async def test_waiting_takes_of_a_writes_time_and_holds_its_place(
    writes: Writes, order: WriteOrder, settles: bool
) -> None:
    in_no_time = partial(attempt_in_time, 0)
    first = asyncio.create_task(order.run(["k"], writes.write("1"), attempt, settles=settles))
    await pass_turns()
    with pytest.raises(TimeoutError):
        await order.run(["k"], writes.write("2"), in_no_time, settles=settles)
    third = asyncio.create_task(order.run(["k"], writes.write("3"), attempt, settles=settles))
    await pass_turns()
    assert writes.begun == ["1"]
    await writes.end("1")
    assert writes.begun == ["1", "3"]
    await writes.end("3")
    await asyncio.gather(first, third)
    assert order._last == {}


async def test_a_write_that_is_cancelled_itself_leaves_no_caller_waiting(
    writes: Writes, order: WriteOrder
) -> None:
    before = asyncio.all_tasks()
    caller = asyncio.create_task(order.run(["k"], writes.write("first"), attempt))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before - {caller}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(caller, 10)
    await pass_turns()
    assert order._last == {}


@pytest.mark.parametrize("settles", [False, True])
async def test_an_error_of_a_write_is_the_callers(order: WriteOrder, settles: bool) -> None:
    async def write() -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await order.run(["k"], write, attempt, settles=settles)
    await pass_turns()
    assert order._last == {}


async def test_a_write_that_never_waits_is_done(order: WriteOrder) -> None:
    async def write() -> str:
        return "done"

    assert await order.run(["k"], write, attempt) == "done"


@pytest.mark.parametrize("turns", range(1, 4))
def test_a_write_whose_loop_ended_before_it_began_warns_of_nothing(order: WriteOrder, turns: int) -> None:
    """Python reports a coroutine that is dropped before it starts, which would fail this test."""

    async def write() -> None:
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    # The loop would report pending tasks when it ends.
    loop.set_exception_handler(lambda _, __: None)
    task = loop.create_task(order.run(["k"], write, attempt))
    for _ in range(turns):
        loop.call_soon(loop.stop)
        loop.run_forever()
    loop.close()
    del task
    gc.collect()
    assert asyncio.run(order.run(["k"], write, attempt)) is None
