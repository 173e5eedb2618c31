"""Worker threads for blocking work: batched calls, single calls, and shutdown."""

import asyncio
import gc
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest

from key_value.aio.errors import StoreClosedError
from key_value.aio.stores.base import Worker


class Recorder:
    """Records the items of each batched call, and the transactions."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.transactions: list[str] = []

    def double(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        if len(items) > 1 and -1 in items:
            raise LookupError
        return [2 * item for item in items]

    @contextmanager
    def transaction(self, writes: bool) -> Generator[None]:
        self.transactions.append("begin")
        try:
            yield
        except BaseException:
            self.transactions.append("rollback")
            raise
        self.transactions.append("commit")


async def _waiting_behind_a_job(worker: "Worker[Recorder]", items: Sequence[int]) -> list[int]:
    """Submit jobs while the thread is busy with another one, so that all of them wait together."""
    gate, begun = threading.Event(), threading.Event()

    def block(_: Recorder) -> None:
        begun.set()
        gate.wait(10)

    first = asyncio.ensure_future(worker.run(block))
    await asyncio.to_thread(begun.wait, 10)
    rest = [asyncio.ensure_future(worker.run_batch(Recorder.double, item, writes=True)) for item in items]
    await asyncio.sleep(0)
    gate.set()
    await first
    return await asyncio.gather(*rest)


async def test_what_waits_is_done_in_one_call() -> None:
    recorder = Recorder()
    async with Worker("batching", lambda: recorder) as worker:
        assert await _waiting_behind_a_job(worker, range(20)) == [2 * n for n in range(20)]
    assert recorder.batches == [list(range(20))]


async def test_a_batched_call_that_fails_is_done_for_each() -> None:
    recorder = Recorder()
    async with Worker("batching", lambda: recorder) as worker:
        assert await _waiting_behind_a_job(worker, [1, -1, 2]) == [2, -2, 4]
    assert recorder.batches == [[1, -1, 2], [1], [-1], [2]]


async def test_what_waits_is_one_transaction_and_each_its_own_if_that_fails() -> None:
    recorder = Recorder()
    async with Worker("transactions", lambda: recorder, transaction=Recorder.transaction) as worker:
        assert await _waiting_behind_a_job(worker, [1, 2]) == [2, 4]
        assert recorder.transactions == ["begin", "commit"]
        assert await _waiting_behind_a_job(worker, [1, -1]) == [2, -2]
    assert recorder.transactions[2:] == ["begin", "rollback", "begin", "commit", "begin", "commit"]


async def test_several_threads_work_at_once() -> None:
    together = threading.Barrier(3)
    async with Worker("several", lambda: None, threads=3) as worker:
        jobs = (worker.run(lambda _: together.wait(10)) for _ in range(3))
        await asyncio.wait_for(asyncio.gather(*jobs), timeout=20)


async def test_an_error_is_that_of_one_job() -> None:
    def fail(_: None) -> None:
        raise LookupError("this one")

    async with Worker("failing", lambda: None) as worker:
        good, bad = await asyncio.gather(worker.run(lambda _: 1), worker.run(fail), return_exceptions=True)
    assert good == 1
    assert isinstance(bad, LookupError)


async def test_a_job_that_is_given_up_before_it_began_is_not_done() -> None:
    gate, begun = threading.Event(), threading.Event()
    done: list[str] = []

    def block(_: None) -> None:
        begun.set()
        gate.wait(10)
        done.append("begun")

    async with Worker("giving up", lambda: None) as worker:
        first = asyncio.ensure_future(worker.run(block, writes=True))
        await asyncio.to_thread(begun.wait, 10)
        second = asyncio.ensure_future(worker.run(lambda _: done.append("waiting"), writes=True))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not first.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert done == ["begun"]
    assert done == ["begun"]


@pytest.mark.parametrize("threads", [1, 3])
async def test_closing_waits_for_all_jobs(threads: int) -> None:
    done: list[int] = []
    closed: list[str] = []
    worker = Worker("closing", lambda: "resource", close=closed.append, threads=threads)
    async with worker:
        jobs = [asyncio.ensure_future(worker.run(lambda _, n=n: done.append(n))) for n in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*jobs)
    assert sorted(done) == list(range(50))
    assert set(closed) == {"resource"}
    with pytest.raises(StoreClosedError):
        await worker.run(lambda _: None)


async def test_the_threads_of_one_that_is_never_closed_end_with_it() -> None:
    closed = threading.Event()
    worker = Worker("forgotten", lambda: "resource", close=lambda _: closed.set())
    await worker.__aenter__()
    await worker.run(lambda _: None)
    del worker
    gc.collect()
    assert await asyncio.to_thread(closed.wait, 10)


async def test_to_open_and_close_for_ever_takes_no_more_room() -> None:
    worker = Worker("reopened", lambda: None)

    async def next_descriptor() -> int:
        async with worker:
            await worker.run(lambda _: None)
        descriptor = os.open(os.devnull, os.O_RDONLY)
        os.close(descriptor)
        return descriptor

    first = await next_descriptor()
    assert [await next_descriptor() for _ in range(10)] == [first] * 10


async def test_a_fork_waits_for_the_job_that_is_under_way() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(_: None) -> None:
        begun.set()
        threading.Event().wait(0.2)
        ended.set()

    async with Worker("forked", lambda: None) as worker:
        job = asyncio.ensure_future(worker.run(work))
        await asyncio.to_thread(begun.wait, 10)
        child = os.fork()
        if child == 0:
            os._exit(0 if ended.is_set() else 1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert status == 0
        await job
