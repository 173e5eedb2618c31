"""Blocking jobs that tasks hand to a thread, and how several jobs are run together."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    import asyncio

ResourceT = TypeVar("ResourceT")

RunBatch: TypeAlias = Callable[[Any, Sequence[Any]], Sequence[Any]]
"""Runs several jobs in one driver call: takes the resource and each job's items, returns a result for each
job."""


class Job(Generic[ResourceT]):
    """A piece of blocking work, and the task that awaits it."""

    __slots__ = (
        "ended",
        "error",
        "future",
        "items",
        "result",
        "run_batch",
        "settled",
        "started",
        "work",
        "writes",
    )

    def __init__(
        self,
        future: "asyncio.Future[Any]",
        *,
        work: Callable[[ResourceT], Any] | None = None,
        run_batch: RunBatch | None = None,
        items: Any = None,
        writes: bool,
    ) -> None:
        self.future = future
        self.work = work
        self.run_batch = run_batch
        self.items = items
        self.writes = writes
        self.started = False
        self.ended = False
        self.settled: asyncio.Future[None] | None = None
        self.result: Any = None
        self.error: Exception | None = None


def run_each(resource: Any, jobs: Sequence[Job[Any]]) -> None:
    """Run jobs, batching adjacent ones where possible; if a batch fails, run each of its jobs separately."""
    for run_batch, neighbours in groupby(jobs, key=lambda job: job.run_batch):
        some = list(neighbours)
        if run_batch is not None and len(some) > 1:
            try:
                _run_batch(run_batch, resource, some)
            except Exception:  # noqa: BLE001, S110 -- raised again by the job at fault
                pass
            else:
                continue
        for job in some:
            try:
                run_jobs(resource, [job])
            except Exception as error:  # noqa: BLE001 -- raised where the job is awaited
                job.error = error


def run_jobs(resource: Any, jobs: Sequence[Job[Any]]) -> None:
    """Run jobs, batching adjacent ones where possible; the first exception stops the run."""
    for run_batch, neighbours in groupby(jobs, key=lambda job: job.run_batch):
        if run_batch is not None:
            _run_batch(run_batch, resource, list(neighbours))
            continue
        for job in neighbours:
            if job.work is not None:
                job.result = job.work(resource)


def _run_batch(run_batch: RunBatch, resource: Any, jobs: Sequence[Job[Any]]) -> None:
    results = run_batch(resource, [job.items for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        job.result = result


Transaction: TypeAlias = Callable[[Any, bool], AbstractContextManager[None]]
"""Begins a transaction on the resource; the flag is whether it writes."""


def run_in_transaction(resource: Any, jobs: Sequence[Job[Any]], transaction: Transaction) -> None:
    """Run jobs in one transaction; if one of them fails, run each in a separate transaction."""
    writes = any(job.writes for job in jobs)
    if len(jobs) == 1 and not writes:
        # A single read is a transaction by itself.
        run_each(resource, jobs)
        return
    begun = False
    try:
        with transaction(resource, writes):
            begun = True
            run_jobs(resource, jobs)
    except Exception as error:  # noqa: BLE001 -- raised where the jobs are awaited
        if not begun:
            _refuse(resource, jobs, transaction, error)
        elif len(jobs) == 1:
            jobs[0].error = error
        else:
            for job in jobs:
                run_in_transaction(resource, [job], transaction)


def _refuse(resource: Any, jobs: Sequence[Job[Any]], transaction: Transaction, error: Exception) -> None:
    """Fail the jobs of a transaction that cannot begin, except reads that may run next to a writer."""
    reads = [job for job in jobs if not job.writes]
    for job in jobs:
        job.error = error
    if 0 < len(reads) < len(jobs):
        for job in reads:
            job.error = None
        run_in_transaction(resource, reads, transaction)
