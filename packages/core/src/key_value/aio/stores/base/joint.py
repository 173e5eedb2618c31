"""Work of several tasks that a driver does together in one call."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Generic, TypeAlias, TypeVar, cast

from typing_extensions import override

from key_value.aio.stores.base.worker import Bench, Job, ResourceT, T

ItemsT = TypeVar("ItemsT")

AnyJoint: TypeAlias = "Joint[Any, Any, Any]"


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
    """A bench where neighbours that want the same done have it done in one call.

    If that fails, it is done for each by itself, so that the fault of one is not that of the others.
    """

    @override
    def do(self, jobs: Sequence[Job[ResourceT]], /) -> None:
        for together, group in groupby(jobs, key=_joint_work):
            neighbours = list(group)
            if together is None or len(neighbours) == 1 or not self._do_together(neighbours):
                super().do(neighbours)

    def _do_together(self, jobs: Sequence[Job[ResourceT]]) -> bool:
        works = [cast("AnyJoint", job.work) for job in jobs]
        try:
            results = works[0].do_all(self._resource, [work.items for work in works])
        except Exception:  # noqa: BLE001  -- raised again by the one at fault
            return False
        for job, result in zip(jobs, results, strict=True):
            job.result = result
        return True


def _joint_work(job: Job[Any]) -> object:
    return cast("AnyJoint", job.work).do_all if isinstance(job.work, Joint) else None
