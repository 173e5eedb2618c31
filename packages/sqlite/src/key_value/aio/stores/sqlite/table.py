"""The table of a SQLite store, and its file."""

import os
import sqlite3
import time
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from typing_extensions import override

from key_value.aio.errors import StoreConnectionError
from key_value.aio.stores.base import Address, Row, Table, make_directory

MEMORY = ":memory:"

KEYS_PER_QUERY = 500
"""SQLite before 3.32 allows at most 999 parameters: https://www.sqlite.org/limits.html#max_variable_number"""

EXISTS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kv_entries'"

SCHEMA = """
CREATE TABLE IF NOT EXISTS kv_entries (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at REAL,
    expires_at REAL,
    version TEXT NOT NULL,
    PRIMARY KEY (collection, key)
);
CREATE INDEX IF NOT EXISTS kv_entries_expires_at ON kv_entries (expires_at) WHERE expires_at IS NOT NULL;
"""
PUT = """
INSERT INTO kv_entries (collection, key, value, created_at, expires_at, version) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at,
expires_at = excluded.expires_at, version = excluded.version
"""
GET = "SELECT value, created_at, expires_at, version FROM kv_entries WHERE collection = ? AND key = ?"
GET_MANY = (
    "SELECT key, value, created_at, expires_at, version FROM kv_entries WHERE collection = ? AND key IN"
)
DELETE = "DELETE FROM kv_entries WHERE collection = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"
LIST = """
SELECT collection, key, expires_at, version FROM kv_entries
WHERE (collection, key) {after} (?, ?) AND typeof(key) = 'text' AND typeof(collection) = 'text'
ORDER BY collection, key LIMIT ?
"""
LIST_COLLECTION = """
SELECT collection, key, expires_at, version FROM kv_entries
WHERE collection = ? AND key {after} ? AND key >= ? AND typeof(key) = 'text' ORDER BY key LIMIT ?
"""
KEYS = """
SELECT key FROM kv_entries
WHERE collection = ? AND typeof(key) = 'text' AND (expires_at IS NULL OR expires_at > ?) LIMIT ?
"""
# Jumps from each collection to the next along the primary key; DISTINCT would read every row.
COLLECTIONS = """
WITH RECURSIVE names (name) AS (
    SELECT min(collection) FROM kv_entries
    UNION ALL
    SELECT (SELECT min(collection) FROM kv_entries WHERE collection > name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names
WHERE typeof(name) = 'text' AND EXISTS (
    SELECT 1 FROM kv_entries WHERE collection = name AND (expires_at IS NULL OR expires_at > ?)
)
LIMIT ?
"""
CLEAR_COLLECTION = "DELETE FROM kv_entries WHERE collection = ?"
CLEAR = "DELETE FROM kv_entries"
CULL = "DELETE FROM kv_entries WHERE rowid IN (SELECT rowid FROM kv_entries WHERE expires_at <= ? LIMIT ?)"


class SQLiteTable(Table):
    """The rows of one file, which the first write creates; used by one thread only."""

    def __init__(self, path: str, *, timeout: float, durability: str) -> None:
        """Initialize with the path of a file, without opening it.

        Args:
            path: Path of the file, or `:memory:`.
            timeout: Maximum time to wait for another process that is writing, in seconds.
            durability: `normal` or `full`, as SQLite's `synchronous`.
        """
        self._path = path
        self._timeout = timeout
        self._durability = durability
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the open file; None unless it is open for writing."""
        self._empty: sqlite3.Connection | None = None
        """An empty database, which is read while the file does not exist."""

    def close(self) -> None:
        """Close the file."""
        self._disconnect()
        if self._empty is not None:
            self._empty.close()

    @contextmanager
    def transaction(self, writes: bool) -> Generator[None]:
        """Run the body in a transaction, which is rolled back if it fails."""
        connection = self._writable() if writes else self._readable()
        connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # After some errors, such as a full disk, SQLite has already rolled back.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @override
    def exists(self) -> bool:
        # A file that cannot be opened raises; the first write creates the table.
        self._readable()
        return True

    @override
    def get(self, addresses: Collection[Address], /) -> dict[Address, Row]:
        connection = self._readable()
        if len(addresses) == 1:
            [address] = addresses
            row = connection.execute(GET, address).fetchone()
            return {} if row is None else {address: _row(address, *row)}
        keys_of: dict[str, list[str]] = {}
        for collection, key in addresses:
            keys_of.setdefault(collection, []).append(key)
        found: dict[Address, Row] = {}
        for collection, keys in keys_of.items():
            remaining = iter(keys)
            while some := list(islice(remaining, KEYS_PER_QUERY)):
                marks = ",".join("?" * len(some))
                for key, *fields in connection.execute(f"{GET_MANY} ({marks})", (collection, *some)):
                    address = Address(collection, key.decode())
                    found[address] = _row(address, *fields)
        return found

    @override
    def put(self, rows: Collection[Row], /) -> None:
        self._writable().executemany(PUT, (row[:6] for row in rows))

    @override
    def delete(self, addresses: Collection[Address], now: float, /) -> list[Address]:
        execute = self._writable().execute
        return [address for address in addresses if execute(DELETE, (*address, now)).rowcount > 0]

    @override
    def page(self, collection: str | None, prefix: str, after: Address | None, limit: int, /) -> list[Row]:
        start, beyond = (Address("", ""), ">=") if after is None else (after, ">")
        if collection is None:
            query, arguments = LIST, (*start, limit)
        else:
            query, arguments = LIST_COLLECTION, (collection, start.key, prefix, limit)
        rows = self._readable().execute(query.format(after=beyond), arguments)
        return [
            Row(name.decode(), key.decode(), b"", None, expires, version.decode())
            for name, key, expires, version in rows
        ]

    @override
    def keys(self, collection: str, limit: int | None, /) -> list[str]:
        arguments = (collection, time.time(), -1 if limit is None else limit)
        return [key.decode() for (key,) in self._readable().execute(KEYS, arguments)]

    @override
    def collections(self, limit: int | None, /) -> list[str]:
        rows = self._readable().execute(COLLECTIONS, (time.time(), -1 if limit is None else limit))
        return [name.decode() for (name,) in rows]

    @override
    def clear(self, collection: str | None, /) -> bool:
        execute = self._writable().execute
        done = execute(CLEAR) if collection is None else execute(CLEAR_COLLECTION, (collection,))
        return done.rowcount > 0

    @override
    def cull(self, limit: int, /) -> int:
        return self._writable().execute(CULL, (time.time(), limit)).rowcount

    def _readable(self) -> sqlite3.Connection:
        """Return the connection to the file, or to an empty table while there is no file."""
        if self._connection is not None:
            return self._connection
        if self._path != MEMORY and Path(self._path).exists():
            connection = self._connect_to_read()
            if connection.execute(EXISTS).fetchone() is not None:
                self._connection = connection
                return connection
            connection.close()
        if self._empty is None:
            self._empty = self._connect(MEMORY, SCHEMA)
        return self._empty

    def _writable(self) -> sqlite3.Connection:
        """Return the connection to the file; a missing file is created, accessible to its owner only."""
        if self._connection is not None and self._file is not None:
            if self._connection.in_transaction or self._path == MEMORY or _file(self._path) == self._file:
                return self._connection
            self._disconnect()
            raise StoreConnectionError(
                message=f"{self._path} was removed or replaced while it was open: its entries are lost, "
                "and the next operation opens the file that is there now"
            )
        self._disconnect()
        if self._path != MEMORY:
            make_directory(Path(self._path).parent)
            _create(self._path)
        self._connection = self._connect(self._path, f"PRAGMA journal_mode = WAL; {SCHEMA}")
        self._file = _file(self._path)
        return self._connection

    def _connect_to_read(self) -> sqlite3.Connection:
        """Open a file for reading, even on a read-only file system, where SQLite cannot share memory."""
        try:
            return self._connect(self._path, EXISTS)
        except sqlite3.OperationalError:
            if os.access(self._path, os.W_OK) and os.access(Path(self._path).parent, os.W_OK):
                raise
            # https://www.sqlite.org/wal.html#read_only_databases
            return self._connect(f"{Path(self._path).as_uri()}?immutable=1", EXISTS, uri=True)

    def _connect(self, path: str, script: str, *, uri: bool = False) -> sqlite3.Connection:
        """Connect to a database and run a script; close the connection if the script fails."""
        connection = sqlite3.connect(path, timeout=self._timeout, isolation_level=None, uri=uri)
        # Text that is not valid UTF-8 then fails for its own entry only.
        connection.text_factory = bytes
        try:
            connection.executescript(f"PRAGMA synchronous = {self._durability.upper()}; {script}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection, self._file = self._connection, None, None
        if connection is not None:
            connection.close()


def _row(address: Address, value: bytes, created: float | None, expires: float | None, version: bytes) -> Row:
    return Row(*address, value, created, expires, version.decode())


def _create(path: str) -> None:
    """Create a file that is missing, accessible to its owner only."""
    # Opening and closing an existing file would drop the locks that this process holds on it:
    # https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _file(path: str) -> tuple[int, int]:
    """Return the device and inode of a file, or zeros if it is missing."""
    if path == MEMORY:
        return 0, 0
    try:
        status = os.stat(path)  # noqa: PTH116 -- takes a third of the time of Path.stat, on every write
    except FileNotFoundError:
        return 0, 0
    return status.st_dev, status.st_ino
