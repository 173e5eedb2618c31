"""A worker's workshop that does all that waits in one transaction."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from key_value.aio.stores.base.joint import do_jobs
from key_value.aio.stores.base.worker import Job

ResourceT = TypeVar("ResourceT")


class Transactions(ABC, Generic[ResourceT]):
    """Does several jobs in one transaction; if one of them fails, each in a transaction of its own.

    Neighbours that want the same have it done in one call.
    """

    def do(self, jobs: Sequence[Job[ResourceT]], /) -> None:
        """Do several jobs, putting a result or an error into each."""
        writes = any(job.writes for job in jobs)
        resource = self.open(jobs)
        if len(jobs) == 1 and not writes:
            # What reads once is a transaction by itself.
            jobs[0].result = jobs[0].work(resource)
            return
        try:
            self.begin(resource, writes=writes)
        except Exception as error:  # noqa: BLE001  -- raised where the job is awaited
            self._fail_to_begin(jobs, error)
            return
        try:
            do_jobs(resource, jobs)
            self.commit(resource)
        except Exception as error:  # noqa: BLE001  -- raised where the job is awaited
            self.roll_back(resource)
            if len(jobs) == 1:
                jobs[0].error = error
            else:
                for job in jobs:
                    self.do([job])

    @abstractmethod
    def open(self, jobs: Sequence[Job[ResourceT]], /) -> ResourceT:
        """Hook: what the jobs work with."""

    @abstractmethod
    def begin(self, resource: ResourceT, /, *, writes: bool) -> None:
        """Hook: begin a transaction."""

    @abstractmethod
    def commit(self, resource: ResourceT, /) -> None:
        """Hook: end a transaction."""

    @abstractmethod
    def roll_back(self, resource: ResourceT, /) -> None:
        """Hook: end a transaction in which, or at whose end, something failed, as if it had not begun."""

    def _fail_to_begin(self, jobs: Sequence[Job[ResourceT]], error: Exception) -> None:
        """Another process is writing: that is no hindrance to readers."""
        reads = [job for job in jobs if not job.writes]
        for job in jobs:
            job.error = error
        if 0 < len(reads) < len(jobs):
            for job in reads:
                job.error = None
            self.do(reads)
