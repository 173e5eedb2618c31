"""The database of a cache: diskcache's schema and settings, and the choice of rows to evict."""

import os
import sqlite3
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from key_value.aio.errors import KeyValueStoreError
from key_value.aio.stores.base import Directory, make_directory

DATABASE: Final = "cache.db"
"""File name of the database in the directory of a cache."""

LOG: Final = f"{DATABASE}-wal"
"""File name of the write-ahead log, which the last connection removes when it is closed."""

Row: TypeAlias = tuple[int, object]
"""The number of a row, and the file name of its value, if it has one."""

_DEFAULTS: Final = {
    "count": 0,
    "size": 0,
    "hits": 0,
    "misses": 0,
    "statistics": 0,
    "tag_index": 0,
    "size_limit": 2**30,
    "cull_limit": 10,
    "disk_min_file_size": 2**15,
    "sqlite_synchronous": 1,
    "sqlite_cache_size": 2**13,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 2**26,
    "sqlite_auto_vacuum": 1,
}

_SCHEMA: Final = {
    "Settings": "TABLE IF NOT EXISTS Settings (key TEXT NOT NULL UNIQUE, value)",
    "Cache": "TABLE IF NOT EXISTS Cache (rowid INTEGER PRIMARY KEY, key BLOB, raw INTEGER, store_time REAL, "
    "expire_time REAL, access_time REAL, access_count INTEGER DEFAULT 0, tag BLOB, size INTEGER DEFAULT 0, "
    "mode INTEGER DEFAULT 0, filename TEXT, value BLOB)",
    "Cache_key_raw": "UNIQUE INDEX IF NOT EXISTS Cache_key_raw ON Cache (key, raw)",
    "Cache_expire_time": "INDEX IF NOT EXISTS Cache_expire_time ON Cache (expire_time)",
    **{
        name: f"TRIGGER IF NOT EXISTS {name} AFTER {event} ON Cache FOR EACH ROW BEGIN "  # noqa: S608 -- constants
        f"UPDATE Settings SET value = value {change}; END"
        for name, event, change in (
            ("Settings_count_insert", "INSERT", "+ 1 WHERE key = 'count'"),
            ("Settings_count_delete", "DELETE", "- 1 WHERE key = 'count'"),
            ("Settings_size_insert", "INSERT", "+ NEW.size WHERE key = 'size'"),
            ("Settings_size_update", "UPDATE", "+ NEW.size - OLD.size WHERE key = 'size'"),
            ("Settings_size_delete", "DELETE", "- OLD.size WHERE key = 'size'"),
        )
    },
}

_COLUMNS: Final = {
    "none": None,
    "least-recently-stored": "store_time",
    "least-recently-used": "access_time",
    "least-frequently-used": "access_count",
}
"""diskcache's eviction policies; each first evicts the row with the lowest value in the given column."""

_ON_READ: Final = {
    "least-recently-used": "access_time = ?",
    # This statement needs the time as an argument, too.
    "least-frequently-used": "access_count = access_count + (? IS NOT NULL)",
}

_EXPIRED = "SELECT rowid, filename FROM Cache WHERE expire_time <= ? ORDER BY expire_time LIMIT ?"
_NEWEST = "SELECT rowid FROM Cache ORDER BY store_time DESC, rowid DESC LIMIT 1"
_SIZE = "SELECT value FROM Settings WHERE key = 'size'"
_TREES = "SELECT count(*) FROM sqlite_master WHERE rootpage > 0"

_OTHER_PAGES = 2
"""Pages of an empty cache, in addition to one per table and index: the schema and the list of pages."""


class Policy(NamedTuple):
    """The settings of a cache that apply to rows."""

    column: str | None
    """Column whose lowest value is evicted first; None never evicts."""
    on_read: str | None
    """Assignment that updates a row on each read, with the time as its parameter."""
    size_limit: float
    """Maximum size of the cache in bytes, beyond which rows are evicted."""
    cull_limit: int
    """Number of expired rows that a put removes; 0 also disables eviction."""
    large: int
    """Number of characters from which a value is stored in a file."""


def make_private(directory: Path) -> None:
    """Create a missing directory and database file, accessible to their owner only.

    Raises:
        PathSecurityError: A database file is a link or not a regular file.
    """
    make_directory(directory)
    with Directory.open(directory) as opened:
        is_there, *_ = [opened.has_file(name) for name in (DATABASE, LOG, f"{DATABASE}-shm")]
        if not is_there:
            os.close(opened.open_file(DATABASE, os.O_RDWR | os.O_CREAT))


@contextmanager
def connected(directory: Path, timeout: float) -> Generator[sqlite3.Connection]:
    """Connect to the database in a directory; close the connection if the body fails.

    Args:
        directory: Directory of the cache.
        timeout: Maximum time to wait for another writer, in seconds.
    """
    with ExitStack() as stack:
        connection = sqlite3.connect(directory / DATABASE, timeout=timeout, isolation_level=None)
        stack.callback(connection.close)
        connection.text_factory = _text_or_bytes
        yield connection
        stack.pop_all()


def inode(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, which another process may replace; None if it is missing."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- Path.stat takes twice as long
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def create(connection: sqlite3.Connection, timeout: float, max_size: int | None) -> None:
    """Create missing parts of the schema and the settings.

    Args:
        connection: Connection to the database.
        timeout: Maximum time to wait for another writer, in seconds.
        max_size: Maximum size of the entries in bytes; None never evicts. It replaces the saved setting.
    """
    limit: dict[str, Any] = {"eviction_policy": "none"}
    schema = _SCHEMA
    if max_size is not None and max_size > 0:
        limit = {"eviction_policy": "least-recently-stored", "size_limit": max_size}
        schema = schema | {"Cache_store_time": "INDEX IF NOT EXISTS Cache_store_time ON Cache (store_time)"}
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not present:
        _start_log(connection, timeout)
    settings = _settings(connection) if "Settings" in present else {}
    wanted = {**_DEFAULTS, **settings, **limit}
    if schema.keys() <= present and wanted == settings:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for statement in schema.values():
            connection.execute(f"CREATE {statement}")
        connection.executemany("INSERT OR IGNORE INTO Settings VALUES (?, ?)", _DEFAULTS.items())
        connection.executemany("INSERT OR REPLACE INTO Settings VALUES (?, ?)", limit.items())


def read_policy(connection: sqlite3.Connection) -> Policy:
    """Apply the settings of a cache that concern connections, and return those that apply to rows.

    Raises:
        KeyValueStoreError: The settings are not those of a cache.
    """
    settings = {**_DEFAULTS, **_settings(connection)}
    name, size_limit, cull_limit, large = map(
        settings.get, ("eviction_policy", "size_limit", "cull_limit", "disk_min_file_size")
    )
    if (
        name not in _COLUMNS
        or not isinstance(size_limit, int | float)
        or not (isinstance(cull_limit, int) and isinstance(large, int))
    ):
        raise KeyValueStoreError(message="The table Settings does not contain the settings of diskcache")
    for pragma in ("cache_size", "mmap_size", "synchronous"):
        number = settings[f"sqlite_{pragma}"]
        if isinstance(number, int):
            connection.execute(f"PRAGMA {pragma} = {number}")
    return Policy(_COLUMNS[name], _ON_READ.get(name), size_limit, cull_limit, large)


def expired_rows(connection: sqlite3.Connection, limit: int) -> list[Row]:
    """Select expired rows."""
    return connection.execute(_EXPIRED, (time.time(), limit)).fetchall()


def next_evicted(connection: sqlite3.Connection, policy: Policy) -> Sequence[Row]:
    """Select the row to evict next if the cache is too large; never the row stored last."""
    if policy.column is None or not policy.cull_limit or _taken(connection) <= policy.size_limit:
        return []
    query = f"SELECT rowid, filename FROM Cache ORDER BY {policy.column} LIMIT 2"  # noqa: S608 -- a constant
    candidates: list[Row] = connection.execute(query).fetchall()
    ((newest,),) = connection.execute(_NEWEST)
    return [row for row in candidates if row[0] != newest][:1]


def _taken(connection: sqlite3.Connection) -> int:
    """Return the size of the rows and their files in bytes, without that of an empty cache."""
    pages, free, size, files, trees = (
        connection.execute(query).fetchone()[0]
        for query in ("PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size", _SIZE, _TREES)
    )
    return (pages - free - trees - _OTHER_PAGES) * size + files


def _settings(connection: sqlite3.Connection) -> dict[str, Any]:
    return dict(connection.execute("SELECT key, value FROM Settings").fetchall())


def _start_log(connection: sqlite3.Connection, timeout: float) -> None:
    connection.execute("PRAGMA auto_vacuum = 1")
    end = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            # SQLite does not wait for another connection that changes the journal mode at the same time.
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        else:
            return
        time.sleep(0.001)


def _text_or_bytes(data: bytes) -> str | bytes:
    """Decode text; leave invalid UTF-8 as bytes, because it would fail the whole query."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
