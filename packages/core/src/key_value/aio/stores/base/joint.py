"""Work of several tasks that a driver does together in one call."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Generic, TypeAlias, TypeVar, cast

from typing_extensions import override

from key_value.aio.stores.base.worker import Bench, Job, ResourceT, T

ItemsT = TypeVar("ItemsT")

AnyJoint: TypeAlias = "Joint[Any, Any, Any]"

DoAll: TypeAlias = Callable[[Any, Sequence[Any]], Sequence[Any]]


class Joint(Generic[ResourceT, ItemsT, T]):
    """Work that can be done for several tasks in one call, such as rows that one statement stores."""

    __slots__ = ("do_all", "items")

    def __init__(self, do_all: Callable[[ResourceT, Sequence[ItemsT]], Sequence[T]], items: ItemsT) -> None:
        """Say what to do.

        Args:
            do_all: Does it for the items of one task after another, and returns a result for each task.
            items: What to do it with for this task.
        """
        self.do_all = do_all
        self.items = items

    def __call__(self, resource: ResourceT) -> T:
        """Do it alone."""
        return self.do_all(resource, [self.items])[0]


class JointBench(Bench[ResourceT]):
    """A bench where neighbours that want the same have it done in one call.

    If that fails, it is done for each by itself, so that the fault of one is not that of the others.
    """

    @override
    def do(self, jobs: Sequence[Job[ResourceT]], /) -> None:
        for do_all, neighbours in _neighbours(jobs):
            if do_all is None or len(neighbours) == 1 or not self._do_together(do_all, neighbours):
                super().do(neighbours)

    def _do_together(self, do_all: DoAll, jobs: Sequence[Job[ResourceT]]) -> bool:
        try:
            _do_together(do_all, self._resource, jobs)
        except Exception:  # noqa: BLE001  -- raised again by the one at fault
            return False
        return True


def do_jobs(resource: ResourceT, jobs: Sequence[Job[ResourceT]]) -> None:
    """Do jobs, neighbours that want the same in one call; what the first one to fail raises ends it."""
    for do_all, neighbours in _neighbours(jobs):
        if do_all is None:
            for job in neighbours:
                job.result = job.work(resource)
        else:
            _do_together(do_all, resource, neighbours)


def _neighbours(jobs: Sequence[Job[ResourceT]]) -> Iterator[tuple[DoAll | None, Sequence[Job[ResourceT]]]]:
    """The jobs in their order, those that want the same together, with what does it for all of them."""
    for do_all, group in groupby(jobs, key=_do_all_of):
        yield do_all, list(group)


def _do_all_of(job: Job[Any]) -> DoAll | None:
    return cast("AnyJoint", job.work).do_all if isinstance(job.work, Joint) else None


def _do_together(do_all: DoAll, resource: ResourceT, jobs: Sequence[Job[ResourceT]]) -> None:
    results = do_all(resource, [cast("AnyJoint", job.work).items for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        job.result = result
