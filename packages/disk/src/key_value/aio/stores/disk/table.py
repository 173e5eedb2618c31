"""The rows of a cache, and what is done with them inside of a transaction."""

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.disk import room
from key_value.aio.stores.disk.driver import MODE_PICKLE, Disk, Policy
from key_value.aio.stores.disk.room import Place, Row

KEYS_PER_QUERY = 500
"""SQLite before 3.32 takes 999 parameters at most: https://www.sqlite.org/limits.html#max_variable_number"""

ROWS_PER_CULL = 5000

_READS = 10
"""How often a row is read whose file another process may just have replaced."""

_PUT = """
INSERT INTO Cache (
    key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, filename, value
) VALUES (:key, 1, :now, :expires, :now, 0, NULL, :size, :mode, :filename, :value)
ON CONFLICT (key, raw) DO UPDATE SET
    store_time = :now, expire_time = :expires, access_time = :now, access_count = 0, tag = NULL,
    size = :size, mode = :mode, filename = :filename, value = :value
"""
_GET = "SELECT key, mode, filename, value, expire_time FROM Cache WHERE raw = 1 AND key IN "
_FILE = "SELECT filename FROM Cache WHERE raw = 1 AND key = ?"
_LIVING = "SELECT key, rowid, filename FROM Cache WHERE raw = 1 AND (expire_time IS NULL OR expire_time > ?)"
_LIVING_ONE = _LIVING + " AND key = ?"
_LIVING_SOME = _LIVING + " AND key >= ? AND key < ?"
# What would have to be unpickled was not put here by this library.
_OURS = "SELECT key, rowid, filename FROM Cache WHERE raw = 1 AND mode != ?"


class Found(NamedTuple):
    """What is stored under a name."""

    text: str | DeserializationError
    """The document, or why it cannot be read."""
    expires: float | None
    """When it expires, in seconds since 1970."""


class Table:
    """The table of a cache; a file is written before its row, and removed when the transaction is over.

    Attributes:
        connection: The database.
    """

    def __init__(self, connection: sqlite3.Connection, disk: Disk, policy: Policy) -> None:
        """Say where the rows are.

        Args:
            connection: The database.
            disk: How keys and values are written.
            policy: What is done with rows that have expired, and with those that there is no room for.
        """
        self.connection = connection
        self._disk = disk
        self._policy = policy
        self._has_put = False
        self._written: list[str] = []
        self._unused: list[str] = []

    def get(self, names: Iterable[str]) -> dict[str, Found]:
        """What is stored under names."""
        found: dict[str, Found] = {}
        wanted = {self._place(name): name for name in names}
        for _ in range(_READS):
            again: dict[Place, str] = {}
            for place, mode, filename, value, expires in self._select(list(wanted)):
                try:
                    found[wanted[place]] = Found(self._text(mode, filename, value), expires)
                except FileNotFoundError:
                    again[place] = wanted[place]
            if not again:
                return found
            wanted = again
        missing = DeserializationError(message="The file of the value is missing")
        return found | dict.fromkeys(wanted.values(), Found(missing, None))

    def put(self, name: str, text: str, expires: float | None) -> None:
        """Store a document in place of any that is there."""
        place = self._place(name)
        self._unused += [file for (file,) in self.connection.execute(_FILE, (place,)) if file is not None]
        size, mode, filename, value = self._disk.store(text, False)
        if filename is not None:
            self._written.append(filename)
        row = {"key": place, "now": time.time(), "expires": expires, "size": size, "mode": mode}
        self.connection.execute(_PUT, {**row, "filename": filename, "value": value})
        self._has_put = True

    def put_if_absent(self, name: str, text: str, expires: float | None) -> bool:
        """Store a document unless there is one that has not expired."""
        if self._living(name):
            return False
        self.put(name, text, expires)
        return True

    def delete(self, names: Iterable[str]) -> int:
        """Remove what is stored under names; how much there was that had not expired."""
        return self._remove([row for name in names for row in self._living(name)])

    def names(self, start: str = "") -> Generator[str]:
        """The names that have not expired, of those that start so."""
        query, arguments = _LIVING, [time.time()]
        if start and self._place(start) == start:
            end = start[:-1] + chr(ord(start[-1]) + 1)
            rows = self.connection.execute(_LIVING_SOME, (*arguments, start, end))
        else:
            rows = self.connection.execute(query, arguments)
        return (name for name in map(self._name, rows) if name is not None and name.startswith(start))

    def clear(self, is_wanted: Callable[[str], bool]) -> bool:
        """Remove what is stored under some names; True where there was something."""
        rows = self.connection.execute(_OURS, (MODE_PICKLE,))
        names = ((self._name(row), row) for row in rows)
        return self._remove([row for name, row in names if name is not None and is_wanted(name)]) > 0

    def cull_some(self) -> bool:
        """Remove some of what has expired; True where there may be more."""
        return self._remove(room.expired(self.connection, ROWS_PER_CULL)) == ROWS_PER_CULL

    def sweep(self, files: Iterable[str]) -> None:
        """Remove those of some files that belong to no row."""
        used = {file for (file,) in self.connection.execute("SELECT filename FROM Cache")}
        self._unused += [file for file in files if file not in used]

    def begin(self) -> None:
        """Begin a transaction in which rows are changed; one that only reads needs none.

        A reader would be kept from seeing which file is a value's now.
        """
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End a transaction, after making room for what was put."""
        if self._has_put:
            self._make_room()
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")
        self._forget(self._unused)

    def roll_back(self) -> None:
        """End a transaction as if it had not begun."""
        # SQLite has already rolled back after some errors, such as a full disk.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self._forget(self._written)

    def _forget(self, files: Sequence[str]) -> None:
        for file in files:
            self._disk.remove(file)
        self._written, self._unused, self._has_put = [], [], False

    def _select(
        self, places: Sequence[Place]
    ) -> Generator[tuple[Place, int, str | None, object, float | None]]:
        for start in range(0, len(places), KEYS_PER_QUERY):
            some = places[start : start + KEYS_PER_QUERY]
            marks = f"({','.join('?' * len(some))})"
            # A row is read to its end before its file is: another process may want to write meanwhile.
            yield from self.connection.execute(_GET + marks, some).fetchall()
            if self._policy.on_read is not None:
                update = self._policy.on_read.format(now=time.time())
                self.connection.execute(f"UPDATE Cache SET {update} WHERE raw = 1 AND key IN {marks}", some)  # noqa: S608 -- diskcache's

    def _text(self, mode: int, filename: str | None, value: object) -> str | DeserializationError:
        if mode == MODE_PICKLE:
            return DeserializationError(message="The value is a pickle, which is never read")
        try:
            text = self._disk.fetch(mode, filename, value, False)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  -- an application's disk may raise anything
            return DeserializationError(message=f"The value cannot be read: {error}")
        return text if isinstance(text, str) else DeserializationError(message="The value is not text")

    def _living(self, name: str) -> list[Row]:
        return self.connection.execute(_LIVING_ONE, (time.time(), self._place(name))).fetchall()

    def _remove(self, rows: Sequence[Row]) -> int:
        self.connection.executemany("DELETE FROM Cache WHERE rowid = ?", [(number,) for _, number, _ in rows])
        self._unused += [file for _, _, file in rows if file is not None]
        return len(rows)

    def _make_room(self) -> None:
        self._remove(room.expired(self.connection, self._policy.rows))
        while rows := room.in_the_way(self.connection, self._policy):
            self._remove(rows)

    def _place(self, name: str) -> Place:
        place, _ = self._disk.put(name)
        return place if isinstance(place, str) else bytes(place)

    def _name(self, row: Row) -> str | None:
        name = self._disk.get(row[0], True)
        return name if isinstance(name, str) else None
