"""Threads for a blocking driver."""

import asyncio
import atexit
import os
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import Self

from key_value.aio.errors import StoreClosedError, StoreConnectionError
from key_value.aio.stores.base.jobs import Job, ResourceT, Transaction, run_each, run_in_transaction

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

T = TypeVar("T")
ItemsT = TypeVar("ItemsT")

JOBS_AT_A_TIME = 1000
"""Maximum number of jobs to hand over together, so that the first need not wait long for the last."""


class Worker(Generic[ResourceT]):
    """One or more threads for blocking calls, used by the tasks of any event loop.

    A single thread passes all waiting jobs to one function, so that many small jobs cost one thread switch,
    and one transaction if transactions are used. With several threads, each takes one job at a time. A job
    that is cancelled before it starts is not done. One that has started is awaited to its end before the
    cancellation is raised.

    The threads do not keep the process alive. At its end, and before a fork, running jobs are finished and no
    new ones are started. A child process starts separate threads, or refuses.
    """

    def __init__(
        self,
        name: str,
        open: Callable[[], ResourceT],  # noqa: A002 -- the word of the field
        *,
        close: Callable[[ResourceT], None] | None = None,
        transaction: "Callable[[ResourceT, bool], AbstractContextManager[None]] | None" = None,
        threads: int = 1,
        forks: bool = True,
    ) -> None:
        """Initialize without starting a thread.

        Args:
            name: Name of the threads.
            open: Opens the resource that jobs use, in each thread, before its first job.
            close: Closes the resource, in the same thread.
            transaction: Begins a transaction for all waiting jobs together, given whether any of them writes;
                None runs each job separately.
            threads: Number of threads.
            forks: Whether a forked child may open a resource while its parent uses one.
        """
        self._name = name
        self._open = open
        self._close = close
        self._transaction = transaction
        self._count = threads
        self._forks = forks
        self._pool: _ThreadPool | None = None

    async def __aenter__(self) -> Self:
        """Start the threads."""
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the threads once all jobs are done; an exception of `close` in a thread is raised here."""
        pool, self._pool = self._pool, None
        if pool is not None and pool.process == os.getpid():
            pool.end()
            for thread in pool.threads:
                await asyncio.to_thread(thread.join)
            if pool.failure is not None:
                raise pool.failure

    async def run(self, work: Callable[[ResourceT], T], *, writes: bool = False) -> T:
        """Run a function in a thread.

        Args:
            work: Function to run, called with the resource.
            writes: Whether the function changes anything.

        Returns:
            The result of `work`.

        Raises:
            StoreClosedError: The worker is closed.
            StoreConnectionError: This process was forked from the one that opened the resource, and may not
                use it.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return await self._done(Job(future, work=work, writes=writes))

    async def run_batch(
        self,
        run_batch: Callable[[ResourceT, Sequence[ItemsT]], Sequence[T]],
        items: ItemsT,
        *,
        writes: bool = False,
    ) -> T:
        """Run a function in a thread, in one call for all tasks that are waiting for the same function.

        Args:
            run_batch: Function to run, called with the resource and the items of each task; it returns a
                result for each task.
            items: Items of this task.
            writes: Whether the function changes anything.

        Returns:
            The result of this task; errors are those of `run`.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        return await self._done(Job(future, run_batch=run_batch, items=items, writes=writes))

    async def _done(self, job: Job[ResourceT]) -> Any:
        pool = self._pool
        if pool is None:
            raise StoreClosedError(message=f"{self._name} is closed")
        if pool.process != os.getpid():
            pool = self._start_after_fork()
        if not pool.put(job):
            raise StoreClosedError(message=f"{self._name} is closed")
        try:
            return await job.future
        except asyncio.CancelledError:
            await pool.give_up(job)
            raise

    def _start(self) -> "_ThreadPool":
        pool = _ThreadPool()
        at_a_time = JOBS_AT_A_TIME if self._count == 1 else 1
        for _ in range(self._count):
            pool.start(self._name, self._open, self._close, self._transaction, at_a_time)
        self._pool = pool
        # The threads of a worker that is dropped without being closed end with it.
        weakref.finalize(self, pool.end).atexit = False
        return pool

    def _start_after_fork(self) -> "_ThreadPool":
        """Start threads in a child process, which does not have those of its parent."""
        if not self._forks:
            raise StoreConnectionError(
                message=f"{self._name} was opened before this process was forked, and only one process "
                "can use it at a time: close it before forking"
            )
        return self._start()


class _ThreadPool:
    """A worker's threads in one process, and their queue; the worker may be dropped before they end."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.threads: list[threading.Thread] = []
        self.busy: list[threading.RLock] = []
        """One lock per thread, held while it runs jobs, during which nothing forks or exits."""
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._claiming = threading.RLock()
        """Held while a job is added, started or cancelled."""
        self._ended = False
        self.failure: Exception | None = None
        """The exception of `close`, if any."""
        _pools.add(self)

    def start(
        self,
        name: str,
        open: Callable[[], Any],  # noqa: A002 -- the word of the field
        close: Callable[[Any], None] | None,
        transaction: Transaction | None,
        at_a_time: int,
    ) -> None:
        """Start a thread."""
        busy = threading.RLock()
        thread = threading.Thread(
            target=self._serve, args=(busy, open, close, transaction, at_a_time), name=name, daemon=True
        )
        self.busy.append(busy)
        self.threads.append(thread)
        thread.start()

    def put(self, job: Job[Any]) -> bool:
        """Add a job, unless `end` was called; return whether it was added."""
        with self._claiming:
            if not self._ended:
                self._jobs.put(job)
            return not self._ended

    def end(self) -> None:
        """Let the threads end after the waiting jobs; also called by the garbage collector."""
        with self._claiming:
            if not self._ended:
                self._ended = True
                for _ in self.threads:
                    self._jobs.put(None)

    def stop(self) -> None:
        """Let the threads end after the jobs they are running; waiting jobs are not started."""
        with self._claiming, suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self.end()
        with self._claiming:
            for _ in self.threads:
                self._jobs.put(None)

    async def give_up(self, job: Job[Any]) -> None:
        """Leave a job undone if it has not started; otherwise wait until it ends."""
        with self._claiming:
            if not job.started or job.ended:
                return
            job.settled = asyncio.get_running_loop().create_future()
        while not job.settled.done():
            try:
                await asyncio.wait([job.settled])
            except asyncio.CancelledError:
                continue

    def _serve(
        self,
        busy: threading.RLock,
        open: Callable[[], Any],  # noqa: A002 -- the word of the field
        close: Callable[[Any], None] | None,
        transaction: Transaction | None,
        at_a_time: int,
    ) -> None:
        """Run jobs until the end; this is the main function of a thread."""
        resource: Any = None
        while jobs := self._take(at_a_time):
            with busy:
                some = self._begin(jobs)
                try:
                    if some:
                        resource = open() if resource is None else resource
                        if transaction is None:
                            run_each(resource, some)
                        else:
                            run_in_transaction(resource, some, transaction)
                except Exception as error:  # noqa: BLE001 -- raised where the jobs are awaited
                    for job in some:
                        job.error = error
            _settle(some)
            del jobs, some  # Do not keep their values alive until the next jobs.
        if resource is not None and close is not None:
            with busy:
                try:
                    close(resource)
                except Exception as error:  # noqa: BLE001 -- raised where the worker is closed
                    self.failure = error

    def _take(self, at_a_time: int) -> list[Job[Any]]:
        """Wait for jobs and take up to `at_a_time`; return an empty list at the end."""
        jobs = [self._jobs.get()]
        while jobs[-1] is not None and len(jobs) < at_a_time and not self._jobs.empty():
            jobs.append(self._jobs.get())
        if jobs[-1] is None and len(jobs) > 1:
            self._jobs.put(None)
        return [job for job in jobs if job is not None]

    def _begin(self, jobs: Sequence[Job[Any]]) -> list[Job[Any]]:
        """Mark jobs as started, except the cancelled ones."""
        with self._claiming:
            some = [job for job in jobs if not job.future.cancelled()]
            for job in some:
                job.started = True
            return some


def _settle(batch: Sequence[Job[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in batch:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:
            # That loop was closed, and no task waits in it any more.
            continue


def _settle_all(jobs: Sequence[Job[Any]]) -> None:
    """Deliver results to the waiting tasks, except cancelled ones."""
    for job in jobs:
        job.ended = True
        if job.settled is not None:
            job.settled.set_result(None)
        elif job.future.done():
            continue
        elif job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


_pools: "weakref.WeakSet[_ThreadPool]" = weakref.WeakSet()

PAUSE_TIMEOUT = 10.0
"""Maximum wait of a fork, or of interpreter exit, for the job that a thread is running, in seconds."""

_paused: list[threading.RLock] = []


def _pause() -> None:
    """Wait until no thread is running a job, and prevent new ones.

    A driver that is interrupted by a fork leaves its locks held permanently in the child.
    """
    _paused.extend(busy for pool in list(_pools) for busy in pool.busy if busy.acquire(timeout=PAUSE_TIMEOUT))


def _resume() -> None:
    while _paused:
        _paused.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause, after_in_parent=_resume, after_in_child=_resume)


@atexit.register
def _end_all() -> None:
    """End all threads: a driver that is still working at interpreter exit may abort it, or crash."""
    pools = [pool for pool in list(_pools) if pool.process == os.getpid()]
    for pool in pools:
        pool.stop()
    for thread in (thread for pool in pools for thread in pool.threads):
        thread.join(PAUSE_TIMEOUT)
