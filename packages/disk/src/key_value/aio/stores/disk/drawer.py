"""Caches that are opened when they are used, by the thread that uses them."""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from typing_extensions import override

from key_value.aio.stores.base.files import make_directory
from key_value.aio.stores.base.transactions import Transactions
from key_value.aio.stores.base.worker import Job
from key_value.aio.stores.disk.driver import DATABASE, UNLIMITED, Cache, connection, disk, policy
from key_value.aio.stores.disk.table import Table
from key_value.aio.stores.disk.values import TextDisk

MAXIMUM_OPEN = 64
"""Caches that are open at a time; one that was not used for the longest time is closed for another."""

_NOTHING = """
CREATE TABLE Cache (
    rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, expire_time REAL, access_time REAL,
    access_count INTEGER, tag BLOB, size INTEGER, mode INTEGER, filename TEXT, value BLOB
)
"""


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


class Source(Protocol):
    """Where a cache comes from."""

    def is_there(self) -> bool:
        """Whether there is one already."""
        ...

    def open(self) -> tuple[Cache, Table]:
        """Open it."""
        ...


class Directory:
    """A cache in a directory, which is made where it is missing, for its owner alone."""

    def __init__(self, path: Path, *, max_size: int | None) -> None:
        """Name the directory.

        Args:
            path: The directory.
            max_size: Bytes that entries may take; None sets no limit.
        """
        self._path = path
        self._limit: dict[str, Any] = {"eviction_policy": "none"}
        if max_size is not None and max_size > 0:
            # The directory may remember others, from when it was opened before.
            self._limit = {"eviction_policy": "least-recently-stored", "size_limit": max_size}

    def is_there(self) -> bool:
        """Whether there is a cache in it."""
        return (self._path / DATABASE).exists()

    def open(self) -> tuple[Cache, Table]:
        """Open the cache, and remove the values whose process ended before it had stored them."""
        # Whoever closes a database last removes this.
        was_left_open = (self._path / f"{DATABASE}-wal").exists()
        make_directory(self._path)
        os.close(os.open(self._path / DATABASE, os.O_RDWR | os.O_CREAT, 0o600))
        cache = Cache(str(self._path), **self._limit)
        text_disk = TextDisk(self._path)
        table = Table(connection(cache), text_disk, policy(cache))
        if was_left_open:
            table.begin()
            table.sweep(text_disk.files())
            table.commit()
        return cache, table


class Given:
    """A cache that an application made, or makes when it is asked."""

    def __init__(self, make: Callable[[], Cache]) -> None:
        """Say how to come by it.

        Args:
            make: Returns it.
        """
        self._make = make

    def is_there(self) -> bool:
        """There is no way to know, other than to ask for it."""
        return True

    def open(self) -> tuple[Cache, Table]:
        """Ask for the cache."""
        cache = self._make()
        return cache, Table(connection(cache), disk(cache), policy(cache))


class Drawer(Transactions[Table]):
    """A cache, opened when there is something in it, or to be put into it."""

    def __init__(self, source: Source) -> None:
        """Say which.

        Args:
            source: Where it comes from.
        """
        self._source = source
        self._cache: Cache | None = None
        self._table: Table | None = None
        self._nothing: Table | None = None

    @override
    def open(self, jobs: Sequence[Job[Table]], /) -> Table:
        if self._table is None:
            if not self._source.is_there() and not any(cast("Step", job.work).creates for job in jobs):
                self._nothing = self._nothing or _nothing()
                return self._nothing
            self._cache, self._table = self._source.open()
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

    def close(self) -> None:
        """Close this thread's connection to the cache; others have their own."""
        if self._cache is not None:
            self._cache.close()
        if self._nothing is not None:
            self._nothing.connection.close()


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


def _nothing() -> Table:
    """A table without rows."""
    empty = sqlite3.connect(":memory:", isolation_level=None)
    empty.execute(_NOTHING)
    return Table(empty, TextDisk(Path()), UNLIMITED)
