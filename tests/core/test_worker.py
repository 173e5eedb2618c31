"""Threads that do blocking work: together, alone, and to the end."""

import asyncio
import gc
import os
import threading
from collections.abc import Sequence

import pytest
from typing_extensions import override

from key_value.aio.errors import StoreClosedError
from key_value.aio.stores.base.worker import Bench, Job, Worker


async def test_one_thread_takes_all_that_waits() -> None:
    batches: list[int] = []

    class Counting(Bench[str]):
        @override
        def do(self, jobs: Sequence[Job[str]], /) -> None:
            batches.append(len(jobs))
            super().do(jobs)

    gate = threading.Event()
    worker = Worker("counting", lambda: Counting("resource"))
    worker.open()
    first = worker.run(lambda _: gate.wait(10))
    while not batches:
        await asyncio.sleep(0.001)
    rest = [worker.run(lambda resource: resource) for _ in range(20)]
    gate.set()
    assert await asyncio.gather(first, *rest) == [True, *["resource"] * 20]
    assert batches == [1, 20]
    await worker.close()


async def test_several_threads_work_at_once() -> None:
    together = threading.Barrier(3)
    worker = Worker("several", lambda: Bench(None), threads=3)
    worker.open()
    await asyncio.wait_for(
        asyncio.gather(*(worker.run(lambda _: together.wait(10)) for _ in range(3))), timeout=20
    )
    await worker.close()


async def test_an_error_is_that_of_one_job() -> None:
    def fail(_: None) -> None:
        raise LookupError("this one")

    worker = Worker("failing", lambda: Bench(None))
    worker.open()
    good, bad = await asyncio.gather(worker.run(lambda _: 1), worker.run(fail), return_exceptions=True)
    assert good == 1
    assert isinstance(bad, LookupError)
    await worker.close()


@pytest.mark.parametrize("threads", [1, 3])
async def test_closing_waits_for_what_was_asked_for(threads: int) -> None:
    done: list[int] = []
    closed: list[str] = []
    worker = Worker("closing", lambda: Bench("resource", closed.append), threads=threads)
    worker.open()
    jobs = [worker.run(lambda _, n=n: done.append(n)) for n in range(50)]
    await worker.close()
    await asyncio.gather(*jobs)
    assert sorted(done) == list(range(50))
    assert set(closed) == {"resource"}
    with pytest.raises(StoreClosedError):
        await worker.run(lambda _: None)


async def test_the_threads_of_one_that_is_never_closed_end_with_it() -> None:
    closed = threading.Event()
    worker = Worker("forgotten", lambda: Bench(None, lambda _: closed.set()))
    worker.open()
    await worker.run(lambda _: None)
    del worker
    gc.collect()
    assert await asyncio.to_thread(closed.wait, 10)


async def test_to_open_and_close_for_ever_takes_no_more_room() -> None:
    worker = Worker("reopened", lambda: Bench(None))

    async def next_descriptor() -> int:
        worker.open()
        await worker.run(lambda _: None)
        await worker.close()
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(descriptor)
        return descriptor

    first = await next_descriptor()
    assert [await next_descriptor() for _ in range(10)] == [first] * 10
