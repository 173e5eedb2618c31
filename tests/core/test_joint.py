"""Work that is done for several tasks in one call."""

import asyncio
import threading
from collections.abc import Sequence

from key_value.aio.stores.base.joint import Joint, JointBench
from key_value.aio.stores.base.worker import Worker

Calls = list[list[int]]


def double(calls: Calls, items: Sequence[int]) -> Sequence[int]:
    calls.append(list(items))
    if -1 in items:
        raise ValueError("-1")
    return [2 * item for item in items]


def negate(calls: Calls, items: Sequence[int]) -> Sequence[int]:
    return [-item for item in items]


async def results(calls: Calls, *works: Joint[Calls, int, int]) -> list[int | BaseException]:
    """What comes of work that all waits while the thread is busy."""
    gate = threading.Event()
    worker = Worker("joint", lambda: JointBench(calls))
    worker.open()
    busy = worker.run(lambda _: gate.wait(10))
    tasks = [worker.run(work) for work in works]
    gate.set()
    assert await busy
    found = await asyncio.gather(*tasks, return_exceptions=True)
    await worker.close()
    return found


async def test_neighbours_are_done_together() -> None:
    calls: Calls = []
    works = [Joint(double, 1), Joint(double, 2), Joint(negate, 3), Joint(double, 4)]
    assert await results(calls, *works) == [2, 4, -3, 8]
    assert calls == [[1, 2], [4]]


async def test_the_fault_of_one_is_not_that_of_its_neighbours() -> None:
    calls: Calls = []
    found = await results(calls, Joint(double, 1), Joint(double, -1), Joint(double, 2))
    assert found[::2] == [2, 4]
    assert isinstance(found[1], ValueError)
    assert calls == [[1, -1, 2], [1], [-1], [2]]
