"""Where caches come from."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from key_value.aio.stores.base.files import make_directory
from key_value.aio.stores.disk.driver import DATABASE, UNLIMITED, Cache, connection, disk, policy
from key_value.aio.stores.disk.table import Table
from key_value.aio.stores.disk.values import TextDisk

_NOTHING = """
CREATE TABLE Cache (
    rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, expire_time REAL, access_time REAL,
    access_count INTEGER, tag BLOB, size INTEGER, mode INTEGER, filename TEXT, value BLOB
)
"""


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
        cache: Any = Cache.__new__(Cache)
        with ExitStack() as stack:
            # diskcache leaves its connection open where it fails to open the cache.
            stack.callback(cache.close)
            cache.__init__(str(self._path), **self._limit)
            text_disk = TextDisk(self._path)
            table = Table(connection(cache), text_disk, policy(cache))
            if was_left_open:
                table.begin()
                table.sweep(text_disk.files())
                table.commit()
            stack.pop_all()
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


def nothing() -> Table:
    """A table without rows."""
    empty = sqlite3.connect(":memory:", isolation_level=None)
    empty.execute(_NOTHING)
    return Table(empty, TextDisk(Path()), UNLIMITED)
