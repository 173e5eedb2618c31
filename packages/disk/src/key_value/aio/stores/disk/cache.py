"""A directory in the form of diskcache: the rows of a SQLite table, and files for large values."""

import heapq
import sqlite3
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice, takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any

from typing_extensions import Self

from key_value.aio.errors import DeserializationError, StoreConnectionError
from key_value.aio.stores.base import VersionedBytesStore
from key_value.aio.stores.disk import database
from key_value.aio.stores.disk.database import DATABASE
from key_value.aio.stores.disk.forms import Form, Found, MissingFileError
from key_value.aio.stores.disk.value_files import SUFFIX, ValueFiles

_TIMEOUT = 60.0
"""Seconds that a writer waits for another, as in diskcache."""

_KEYS_PER_QUERY = 500
"""SQLite before 3.32 takes 999 parameters at most: https://www.sqlite.org/limits.html#max_variable_number"""

_READS = 10
"""How often a row is read at most whose file another process has just replaced."""

_PUT = """
INSERT INTO Cache (
    key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, filename, value
) VALUES (:key, 1, :now, :expires, :now, 0, NULL, :size, :mode, :filename, :value)
ON CONFLICT (key, raw) DO UPDATE SET
    store_time = :now, expire_time = :expires, access_time = :now, access_count = 0, tag = NULL,
    size = :size, mode = :mode, filename = :filename, value = :value
"""
_LIVE = "raw = 1 AND (expire_time IS NULL OR expire_time > ?)"
_LIST = f"SELECT rowid, filename, key, mode, value, expire_time FROM Cache WHERE {_LIVE}"  # noqa: S608 -- constants
_SELECT = f"{_LIST} AND key IN "
_FILE = "SELECT filename FROM Cache WHERE raw = 1 AND key = ?"
_USED = "SELECT filename FROM Cache WHERE filename LIKE ?"
# Every text sorts before every BLOB, the shortest of which is empty.
_RANGE = f"{_LIST} AND key {{}} ? AND key < x'' ORDER BY key"


_HEAD = 16_384
"""Characters that are read of a document to list it."""


class Cache:
    """One connection to a directory, used by one thread; expired rows count as absent.

    Everything that writes is called inside of `transaction`. A value's file is written before its row, and
    removed when the transaction is over.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, disk: Any = None) -> None:
        """Wrap a connection; see `open` and `of`.

        Args:
            directory: The directory.
            connection: The connection to its database, which `close` closes.
            disk: How an application's own cache writes keys and values; None for diskcache's form.
        """
        self._database = directory / DATABASE
        self._connection = connection
        self._policy = database.read_policy(connection)
        self._files = ValueFiles(directory)
        self._form = Form(self._files, self._policy.large, disk)
        self._inode = database.inode(self._database)
        self._has_put = False

    @classmethod
    def open(cls, directory: Path, *, max_size: int | None = None) -> Self:
        """Open the cache in a directory, made for its owner alone where it is missing.

        Args:
            directory: The directory.
            max_size: Bytes that entries may take; None evicts nothing.

        Raises:
            PathSecurityError: A file of the database is a link.
            KeyValueStoreError: The database is that of another application.
        """
        was_left_open = (directory / database.LOG).exists()
        database.make_private(directory)
        with database.connected(directory, _TIMEOUT) as connection:
            database.create(connection, _TIMEOUT, max_size)
            cache = cls(directory, connection)
            if was_left_open:
                cache._sweep()
        return cache

    @classmethod
    def of(cls, given: Any) -> Self:
        """Open a second connection to the directory of an application's `diskcache.Cache`.

        Args:
            given: Has `directory`, `timeout` and `disk`; its settings are in its database.

        Raises:
            StoreConnectionError: The directory has no database.
        """
        directory, disk = Path(given.directory), given.disk
        if not (directory / DATABASE).exists():
            raise StoreConnectionError(message=f"The directory '{directory}' has no {DATABASE}")
        is_plain = (type(disk).__module__, type(disk).__qualname__) == ("diskcache.core", "Disk")
        with database.connected(directory, given.timeout) as connection:
            return cls(directory, connection, None if is_plain else disk)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun."""
        return self._connection.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Keep all that is written, or nothing of it; at the end, remove rows until what was put has room.

        Raises:
            StoreConnectionError: The database was removed or replaced since it was opened.
        """
        if database.inode(self._database) != self._inode:
            raise StoreConnectionError(
                message=f"'{self._database}' was removed or replaced while it was open"
            )
        self._has_put = False
        self._files.begin()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self._has_put:
                self._make_room()
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, such as a full disk.
            if self.in_transaction:
                self._connection.execute("ROLLBACK")
            self._files.end(kept=False)
            raise
        self._files.end(kept=True)

    def get(self, names: Iterable[str]) -> dict[str, Found]:
        """Read what is stored under names; a transaction would hide which file is a value's now."""
        keys = {self._form.key(name): name for name in names}
        found = self._find(keys)
        if self._policy.on_read is not None:
            self._execute(f"UPDATE Cache SET {self._policy.on_read} WHERE raw = 1 AND key IN ", keys)  # noqa: S608 -- constants
        return found

    def put(self, name: str, text: str, expires: float | None) -> None:
        """Store a text in place of any; it expires at some seconds since 1970."""
        key = self._form.key(name)
        for (file,) in self._connection.execute(_FILE, (key,)):
            self._files.discard(file)
        size, mode, filename, value = self._form.store(text)
        row = {"key": key, "now": time.time(), "expires": expires, "size": size, "mode": mode}
        self._connection.execute(_PUT, {**row, "filename": filename, "value": value})
        self._has_put = True

    def put_if(self, name: str, text: str, expires: float | None, version: str | None) -> bool:
        """Store a text if the stored one has a version, or if there is none and the version is None."""
        if not self._has_version(name, version):
            return False
        self.put(name, text, expires)
        return True

    def take(self, names: Iterable[str]) -> dict[str, Found]:
        """Remove what is stored under names, and return it."""
        keys = {self._form.key(name): name for name in names}
        rows = self._select(keys)
        found = {keys[row[2]]: self._form.read(row) for row in rows}
        self._remove(rows)
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Remove what is stored under names."""
        self._remove(self._select(map(self._form.key, names)))

    def delete_if(self, name: str, version: str) -> bool:
        """Remove a text if it has a version."""
        if not self._has_version(name, version):
            return False
        self.delete([name])
        return True

    def page(self, prefix: str, after: str | None, limit: int) -> tuple[list[tuple[str, bytes]], str | None]:
        """List names that start with a prefix, with the start of their documents; empty ones are unreadable.

        Returns:
            The names after a name, as many as `limit`, and the last of them; None at the end.
        """
        rows = self._rows(prefix, after, limit)
        documents = ((name, self._form.read(row, limit=_HEAD)) for name, row in rows)
        found = [(name, each if isinstance(each, bytes) else b"") for name, each in documents]
        return found, rows[-1][0] if len(rows) == limit else None

    def cull(self, limit: int) -> int:
        """Remove some expired rows, and return how many there were."""
        return self._remove(database.expired_rows(self._connection, limit))

    def _find(self, keys: Mapping[str | bytes, str], reads: int = _READS) -> dict[str, Found]:
        found = {keys[row[2]]: self._form.read(row) for row in self._select(keys)}
        again = {key: name for key, name in keys.items() if isinstance(found.get(name), MissingFileError)}
        if again and reads > 1:
            for name in again.values():
                del found[name]
            found |= self._find(again, reads - 1)
        return found

    def _select(self, keys: Iterable[str | bytes]) -> list[tuple[Any, ...]]:
        """Select rows that have not expired, before any file of theirs is read: others may want to write."""
        return self._execute(_SELECT, keys)

    def _execute(self, statement: str, keys: Iterable[str | bytes]) -> list[tuple[Any, ...]]:
        """Execute a statement that takes the time and a list of keys, for some keys after another."""
        every, rows = list(keys), list[tuple[Any, ...]]()
        for start in range(0, len(every), _KEYS_PER_QUERY):
            some = every[start : start + _KEYS_PER_QUERY]
            query = f"{statement}({','.join('?' * len(some))})"
            rows += self._connection.execute(query, (time.time(), *some)).fetchall()
        return rows

    def _sweep(self) -> None:
        """Remove the files of values whose process ended before it had stored them, unless another writes."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        with suppress(sqlite3.OperationalError), self.transaction():
            used = {file for (file,) in self._connection.execute(_USED, (f"%{SUFFIX}",))}
            self._files.sweep(used)
        self._connection.execute(f"PRAGMA busy_timeout = {_TIMEOUT * 1000:.0f}")

    def _has_version(self, name: str, version: str | None) -> bool:
        found = self._find({self._form.key(name): name}).get(name)
        if found is None or isinstance(found, DeserializationError):
            return found is version
        return VersionedBytesStore.version_of(found) == version

    def _rows(self, prefix: str, after: str | None, limit: int) -> list[tuple[str, tuple[Any, ...]]]:
        """Select rows and their names, in the order of the names."""
        now = time.time()
        if self._form.is_ordered:
            start, comparison = (prefix, ">=") if after is None or prefix > after else (after, ">")
            select = self._connection.execute(_RANGE.format(comparison), (now, start))
        else:
            select = self._connection.execute(_LIST, (now,))
        # What is left of a query would keep SQLite from shortening its log.
        with closing(select) as rows:
            named = ((name, row) for row in rows if (name := self._form.name(row[2])) is not None)
            if self._form.is_ordered:
                return list(islice(takewhile(lambda found: found[0].startswith(prefix), named), limit))
            wanted = (found for found in named if found[0].startswith(prefix))
            later = (found for found in wanted if after is None or found[0] > after)
            return heapq.nsmallest(limit, later, key=itemgetter(0))

    def _remove(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """Remove rows, of which each begins with its number and its file."""
        if rows:
            self._connection.executemany("DELETE FROM Cache WHERE rowid = ?", [row[:1] for row in rows])
        for row in rows:
            self._files.discard(row[1])
        return len(rows)

    def _make_room(self) -> None:
        self.cull(self._policy.cull_limit)
        while rows := database.next_evicted(self._connection, self._policy):
            self._remove(rows)
