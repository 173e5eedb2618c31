"""Caches that are opened when they are used, by the thread that uses them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, cast

from typing_extensions import override

from key_value.aio.stores.base.transactions import Transactions
from key_value.aio.stores.base.worker import Job
from key_value.aio.stores.disk.sources import Source, nothing
from key_value.aio.stores.disk.table import Table

MAXIMUM_OPEN = 64
"""Caches that are open at a time; one that was not used for the longest time is closed for another."""


class Step(NamedTuple):
    """What a job does."""

    action: Callable[[Table], Any]
    creates: bool = False
    """Whether it is worth making a cache for."""
    place: str = ""
    """Which of several caches it is about."""

    def __call__(self, table: Table) -> Any:
        """Do it."""
        return self.action(table)


class Drawer(Transactions[Table]):
    """A cache, opened when there is something in it, or to be put into it."""

    def __init__(self, source: Source) -> None:
        """Say which.

        Args:
            source: Where it comes from.
        """
        self._source = source
        self._table: Table | None = None
        self._nothing: Table | None = None
        self._exit_stack = ExitStack()

    @override
    def open(self, jobs: Sequence[Job[Table]], /) -> Table:
        if self._table is None:
            if not self._source.is_there() and not any(cast("Step", job.work).creates for job in jobs):
                return self._empty()
            cache, self._table = self._source.open()
            self._exit_stack.callback(cache.close)
        return self._table

    @override
    def begin(self, resource: Table, /, *, writes: bool) -> None:
        if writes:
            resource.begin()

    @override
    def commit(self, resource: Table, /) -> None:
        resource.commit()

    @override
    def roll_back(self, resource: Table, /) -> None:
        resource.roll_back()

    def _empty(self) -> Table:
        if self._nothing is None:
            self._nothing = nothing()
            self._exit_stack.callback(self._nothing.connection.close)
        return self._nothing

    def close(self) -> None:
        """Close this thread's connection to the cache; others have their own."""
        self._exit_stack.close()


class Cabinet:
    """As many caches as there are places, some of them open."""

    def __init__(self, drawer: Callable[[str], Drawer]) -> None:
        """Say what is where.

        Args:
            drawer: Returns the cache of a place.
        """
        self._make = drawer
        self._drawers: OrderedDict[str, Drawer] = OrderedDict()

    def do(self, jobs: Sequence[Job[Table]], /) -> None:
        """Do the jobs of each place in one transaction."""
        by_place: dict[str, list[Job[Table]]] = {}
        for job in jobs:
            by_place.setdefault(cast("Step", job.work).place, []).append(job)
        for place, some in by_place.items():
            try:
                self._drawer(place).do(some)
            except Exception as error:  # noqa: BLE001  -- raised where the jobs are awaited
                for job in some:
                    job.error = error

    def close(self) -> None:
        """Close all caches."""
        while self._drawers:
            self._drawers.popitem()[1].close()

    def _drawer(self, place: str) -> Drawer:
        drawer = self._drawers.pop(place, None) or self._make(place)
        self._drawers[place] = drawer
        if len(self._drawers) > MAXIMUM_OPEN:
            self._drawers.popitem(last=False)[1].close()
        return drawer
