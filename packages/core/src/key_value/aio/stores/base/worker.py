"""Threads for a driver that blocks."""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from key_value.aio.errors import StoreClosedError
from key_value.aio.stores.base.inbox import Inbox

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
        self._process = 0
        self._inbox: Inbox[Job[ResourceT]] | None = None
        self._threads: list[threading.Thread] = []

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
        if self._process != os.getpid():
            self._start_after_fork()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        inbox = self._inbox
        if inbox is None or not inbox.put(Job(work, future, writes=writes)):
            raise StoreClosedError(message=f"{self._name} is closed")
        return future

    async def close(self) -> None:
        """End the threads once all that was asked for is done."""
        with self._lock:
            threads, self._threads = self._threads, []
            if self._inbox is not None:
                self._inbox = None
                self._end()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _start(self) -> None:
        inbox: Inbox[Job[ResourceT]] = Inbox(self._count)
        at_once = MAXIMUM_BATCH if self._count == 1 else 1
        work = inbox, self._begin, at_once
        self._threads = [
            threading.Thread(target=_serve, args=work, name=self._name, daemon=True)
            for _ in range(self._count)
        ]
        for thread in self._threads:
            thread.start()
        self._inbox, self._process = inbox, os.getpid()
        # The threads of a worker that is never closed end when it goes.
        self._end = weakref.finalize(self, inbox.end)
        self._end.atexit = False

    def _start_after_fork(self) -> None:
        """The process that this one was forked off has the threads, if there are any."""
        with self._lock:
            if self._inbox is not None and self._process != os.getpid():
                self._end.detach()
                self._start()


def _serve(inbox: Inbox[Job[ResourceT]], begin: Callable[[], Workshop[ResourceT]], at_once: int) -> None:
    """What a thread does; it does not know its worker, so that a worker nobody needs any more can go."""
    shop: Workshop[ResourceT] | None = None
    while jobs := inbox.take(at_once):
        try:
            shop = shop or begin()
            shop.do(jobs)
        except Exception as error:  # noqa: BLE001  -- raised where the jobs are awaited
            for job in jobs:
                job.error = error
        _settle(jobs)
        del jobs  # What they hold need not live until there are others.
    if shop is not None:
        shop.close()


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
