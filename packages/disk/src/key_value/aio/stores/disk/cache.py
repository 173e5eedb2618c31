"""A directory in the format of diskcache: the rows of a SQLite table, and files for large values."""

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
"""Maximum time that a writer waits for another one, in seconds, as in diskcache."""

_KEYS_PER_QUERY = 500
"""SQLite before 3.32 allows at most 999 parameters: https://www.sqlite.org/limits.html#max_variable_number"""

_READS = 10
"""Maximum number of attempts to read a row whose file another process keeps replacing."""

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
# Every text sorts before every BLOB, and the empty BLOB is the first one.
_RANGE = f"{_LIST} AND key {{}} ? AND key < x'' ORDER BY key"


_HEAD = 16_384
"""Number of characters read from a document to list it."""


class Cache:
    """One connection to a directory, used by one thread; expired rows count as absent.

    All methods that write must be called inside `transaction`. The file of a value is written before its row,
    and removed after the transaction.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, disk: Any = None) -> None:
        """Initialize with a connection; see `open` and `of`.

        Args:
            directory: Directory of the cache.
            connection: Connection to the database; `close` closes it.
            disk: The `diskcache.Disk` of an application, which encodes keys and values; None uses diskcache's
                own format.
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
        """Open the cache in a directory; a missing one is created, accessible to its owner only.

        Args:
            directory: Directory of the cache.
            max_size: Maximum size of the entries in bytes; None never evicts.

        Raises:
            PathSecurityError: A database file is a link.
            KeyValueStoreError: The database belongs to another application.
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
            given: Cache with the attributes `directory`, `timeout` and `disk`; its database has the settings.

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
        """Whether a transaction is in progress."""
        return self._connection.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Run the body in a transaction; at its end, evict rows until the new ones fit.

        Raises:
            StoreConnectionError: The database was removed or replaced while it was open.
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
            # After some errors, such as a full disk, SQLite has already rolled back.
            if self.in_transaction:
                self._connection.execute("ROLLBACK")
            self._files.end(kept=False)
            raise
        self._files.end(kept=True)

    def get(self, names: Iterable[str]) -> dict[str, Found]:
        """Return the values of names. A transaction would hide which file a value has now."""
        keys = {self._form.key(name): name for name in names}
        found = self._find(keys)
        if self._policy.on_read is not None:
            self._execute(f"UPDATE Cache SET {self._policy.on_read} WHERE raw = 1 AND key IN ", keys)  # noqa: S608 -- constants
        return found

    def put(self, name: str, text: str, expires: float | None) -> None:
        """Store or replace a text, which expires at a Unix time in seconds."""
        key = self._form.key(name)
        for (file,) in self._connection.execute(_FILE, (key,)):
            self._files.discard(file)
        size, mode, filename, value = self._form.store(text)
        row = {"key": key, "now": time.time(), "expires": expires, "size": size, "mode": mode}
        self._connection.execute(_PUT, {**row, "filename": filename, "value": value})
        self._has_put = True

    def put_if(self, name: str, text: str, expires: float | None, version: str | None) -> bool:
        """Store a text if the stored one has the version, or if nothing is stored and `version` is None."""
        if not self._has_version(name, version):
            return False
        self.put(name, text, expires)
        return True

    def take(self, names: Iterable[str]) -> dict[str, Found]:
        """Remove the values of names and return them."""
        keys = {self._form.key(name): name for name in names}
        rows = self._select(keys)
        found = {keys[row[2]]: self._form.read(row) for row in rows}
        self._remove(rows)
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Remove the values of names."""
        self._remove(self._select(map(self._form.key, names)))

    def delete_if(self, name: str, version: str) -> bool:
        """Remove a text if it has the version."""
        if not self._has_version(name, version):
            return False
        self.delete([name])
        return True

    def page(self, prefix: str, after: str | None, limit: int) -> tuple[list[tuple[str, bytes]], str | None]:
        """List names that start with a prefix, with the start of their documents; empty ones are unreadable.

        Returns:
            Up to `limit` names after the given one, and the last of them; None instead of it at the end.
        """
        rows = self._rows(prefix, after, limit)
        documents = ((name, self._form.read(row, limit=_HEAD)) for name, row in rows)
        found = [(name, each if isinstance(each, bytes) else b"") for name, each in documents]
        return found, rows[-1][0] if len(rows) == limit else None

    def cull(self, limit: int) -> int:
        """Remove up to `limit` expired rows and return their number."""
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
        """Select unexpired rows, before any of their files is read, because others may want to write."""
        return self._execute(_SELECT, keys)

    def _execute(self, statement: str, keys: Iterable[str | bytes]) -> list[tuple[Any, ...]]:
        """Execute a statement that takes the time and a list of keys, in batches of keys."""
        every, rows = list(keys), list[tuple[Any, ...]]()
        for start in range(0, len(every), _KEYS_PER_QUERY):
            some = every[start : start + _KEYS_PER_QUERY]
            query = f"{statement}({','.join('?' * len(some))})"
            rows += self._connection.execute(query, (time.time(), *some)).fetchall()
        return rows

    def _sweep(self) -> None:
        """Remove files whose process ended before it stored their rows, unless another process is writing."""
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
        # An unfinished query would keep SQLite from truncating its log.
        with closing(select) as rows:
            named = ((name, row) for row in rows if (name := self._form.name(row[2])) is not None)
            if self._form.is_ordered:
                return list(islice(takewhile(lambda found: found[0].startswith(prefix), named), limit))
            wanted = (found for found in named if found[0].startswith(prefix))
            later = (found for found in wanted if after is None or found[0] > after)
            return heapq.nsmallest(limit, later, key=itemgetter(0))

    def _remove(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """Remove rows, each of which starts with its number and its file name."""
        if rows:
            self._connection.executemany("DELETE FROM Cache WHERE rowid = ?", [row[:1] for row in rows])
        for row in rows:
            self._files.discard(row[1])
        return len(rows)

    def _make_room(self) -> None:
        self.cull(self._policy.cull_limit)
        while rows := database.next_evicted(self._connection, self._policy):
            self._remove(rows)
