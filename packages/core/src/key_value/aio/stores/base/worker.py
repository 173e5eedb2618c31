"""Threads for a driver that blocks."""

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from key_value.aio.errors import StoreClosedError

T = TypeVar("T")
ResourceT = TypeVar("ResourceT")

MAXIMUM_BATCH = 1000
"""Jobs that are done together at most, so that the first of them need not wait long for the last."""


class Job(Generic[ResourceT]):
    """One piece of blocking work, and what the task that asked for it waits for."""

    __slots__ = ("error", "future", "result", "work", "writes")

    def __init__(
        self, work: Callable[[ResourceT], Any], future: "asyncio.Future[Any]", *, writes: bool
    ) -> None:
        self.work = work
        self.future = future
        self.writes = writes
        self.result: Any = None
        self.error: Exception | None = None


class Workshop(Protocol[ResourceT]):
    """What a worker works in: everything of it is used in the worker's thread."""

    def do(self, jobs: Sequence[Job[ResourceT]], /) -> None:
        """Do several jobs, putting a `result` or `error` into each; what this raises is the error of all."""
        ...

    def close(self) -> None:
        """End the work."""
        ...


class Bench(Generic[ResourceT]):
    """A workshop with one resource, where each job is done by itself."""

    def __init__(self, resource: ResourceT, close: Callable[[ResourceT], None] | None = None) -> None:
        """Say what to work with.

        Args:
            resource: What each job is given.
            close: Ends the use of it; None where it needs no end.
        """
        self._resource = resource
        self._close = close

    def do(self, jobs: Sequence[Job[ResourceT]], /) -> None:
        """Do the jobs one after another."""
        for job in jobs:
            try:
                job.result = job.work(self._resource)
            except Exception as error:  # noqa: BLE001  -- raised where the job is awaited
                job.error = error

    def close(self) -> None:
        """End the use of the resource."""
        if self._close is not None:
            self._close(self._resource)


class Worker(Generic[ResourceT]):
    """A thread, or some, that does the blocking work of the tasks of any event loop.

    A thread that is alone takes all that is waiting at a time, so that many small jobs cost one switch of
    threads, and one transaction where there are any; several take one job each. They do not keep the process
    alive.
    """

    def __init__(self, name: str, begin: Callable[[], Workshop[ResourceT]], *, threads: int = 1) -> None:
        """Say what to do.

        Args:
            name: The name of the threads.
            begin: Makes what to work in; called in each thread, before its first job.
            threads: How many threads there are.
        """
        self._name = name
        self._begin = begin
        self._count = threads
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._process = 0
        self._jobs: queue.SimpleQueue[Job[ResourceT] | None] = queue.SimpleQueue()

    def open(self) -> None:
        """Start the threads."""
        with self._lock:
            self._start()

    def run(self, work: Callable[[ResourceT], T], *, writes: bool = False) -> "asyncio.Future[T]":
        """Do something in a thread.

        Args:
            work: What to do; a caller who is cancelled does not stop it.
            writes: Whether it changes anything.

        Returns:
            What `work` returns, to be awaited.

        Raises:
            StoreClosedError: The worker is not open.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            if not self._threads:
                raise StoreClosedError(message=f"{self._name} is closed")
            if self._process != os.getpid():
                # This process was forked off the one that has the threads.
                self._start()
            self._jobs.put(Job(work, future, writes=writes))
        return future

    async def close(self) -> None:
        """End the threads once all that was asked for is done."""
        with self._lock:
            threads, self._threads = self._threads, []
            for _ in threads:
                self._jobs.put(None)
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _start(self) -> None:
        self._process = os.getpid()
        self._jobs = queue.SimpleQueue()
        at_once = MAXIMUM_BATCH if self._count == 1 else 1
        self._threads = [
            threading.Thread(
                target=_Work(self._jobs, self._begin, at_once).serve, name=self._name, daemon=True
            )
            for _ in range(self._count)
        ]
        for thread in self._threads:
            thread.start()


class _Work(Generic[ResourceT]):
    """What a thread does; it does not know its worker, so that a worker nobody needs any more can go."""

    def __init__(
        self,
        jobs: "queue.SimpleQueue[Job[ResourceT] | None]",
        begin: Callable[[], Workshop[ResourceT]],
        at_once: int,
    ) -> None:
        self._jobs = jobs
        self._begin = begin
        self._at_once = at_once
        self._shop: Workshop[ResourceT] | None = None

    def serve(self) -> None:
        """Do jobs until there will be no more."""
        ending = False
        while not ending:
            batch, ending = self._take()
            if batch:
                self._do(batch)
                _settle(batch)
        if self._shop is not None:
            self._shop.close()

    def _take(self) -> tuple[list[Job[ResourceT]], bool]:
        """Wait for a job, and take with it those that are waiting too; True where no more will come."""
        batch: list[Job[ResourceT]] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) >= self._at_once:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _do(self, batch: Sequence[Job[ResourceT]]) -> None:
        try:
            if self._shop is None:
                self._shop = self._begin()
            self._shop.do(batch)
        except Exception as error:  # noqa: BLE001  -- raised where the jobs are awaited
            for job in batch:
                job.error = error


def _settle(batch: Sequence[Job[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in batch:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:
            # That loop was closed, and nobody waits in it any more.
            continue


def _settle_all(jobs: Sequence[Job[Any]]) -> None:
    """Tell the tasks that wait, unless they were cancelled."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
