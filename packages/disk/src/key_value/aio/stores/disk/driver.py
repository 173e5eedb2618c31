"""diskcache's cache: the part of it that is used here."""

import sqlite3
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, cast

try:
    from diskcache import EVICTION_POLICY, Cache  # pyright: ignore[reportMissingTypeStubs] -- it has none
except ImportError as error:
    raise ImportError("DiskStore needs diskcache: pip install 'py-key-value-aio[disk]'") from error

__all__ = ["DATABASE", "MODE_PICKLE", "MODE_RAW", "MODE_TEXT", "UNLIMITED", "Cache", "Disk", "Policy"]

DATABASE = "cache.db"
"""The name of a cache's database."""

MODE_RAW = 1
"""How diskcache notes that a value is in the database as it is."""

MODE_TEXT = 3
"""That it is a text in a file."""

MODE_PICKLE = 4
"""That it would have to be unpickled."""


class Disk(Protocol):
    """How a cache writes keys and values; an application's cache may have one of its own."""

    def put(self, key: str, /) -> tuple[str | bytes | memoryview, bool]:
        """What stands for a key in the database, and whether it does so without being pickled."""
        ...

    def get(self, key: object, raw: bool, /) -> object:
        """The key that something in the database stands for."""
        ...

    def store(self, value: str, read: bool, /) -> tuple[int, int, str | None, object]:
        """Write a value: the size of its file, its mode, the file, and what is put into the database."""
        ...

    def fetch(self, mode: int, filename: str | None, value: object, read: bool, /) -> object:
        """Read a value."""
        ...

    def remove(self, file_path: str, /) -> None:
        """Remove a file, if it is there."""
        ...


class Policy(NamedTuple):
    """What a cache does besides keeping its rows."""

    evicted: str | None
    """Selects what goes first when there is no room: a query without its columns and its limit."""
    on_read: str | None
    """What is set in a row when it is read; it may name the time as `{now}`."""
    size: int
    """Bytes that the cache may take before anything is evicted."""
    rows: int
    """Rows that are removed at a time."""


UNLIMITED = Policy(None, None, 0, 0)


def connection(cache: Cache) -> sqlite3.Connection:
    """A cache's connection of this thread, which diskcache keeps to itself.

    Its own commands unpickle what they find, remove a value's file before the transaction is committed, and
    evict what they have just written.
    """
    return attrgetter("_con")(cache)


def disk(cache: Cache) -> Disk:
    """How a cache writes keys and values."""
    return cast("Disk", cache.disk)


def policy(cache: Cache) -> Policy:
    """What a cache does besides keeping its rows, as it was opened."""
    settings: Any = cache
    statements = cast("dict[str, dict[str, str | None]]", EVICTION_POLICY)[settings.eviction_policy]
    return Policy(statements["cull"], statements["get"], settings.size_limit, settings.cull_limit)
