"""The table of a SQLite store."""

import sqlite3
import time
from collections.abc import Collection
from itertools import islice

from key_value.aio.stores.base.table import Found, Place, Row
from key_value.aio.stores.sqlite import statements

KEYS_PER_QUERY = 500
"""SQLite before 3.32 takes 999 parameters at most: https://www.sqlite.org/limits.html#max_variable_number"""

ROWS_PER_CULL = 5000


class SQLiteTable:
    """One row for each entry.

    Attributes:
        connection: The database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Say where it is.

        Args:
            connection: The database, in a transaction wherever something is written.
        """
        self.connection = connection
        self._execute = connection.execute
        self._execute_many = connection.executemany

    def make(self) -> None:
        """Make the table where it is missing, in a file that is read while it is written."""
        self._execute("PRAGMA journal_mode = WAL")
        self.connection.executescript(statements.SCHEMA)

    def exists(self) -> bool:
        """Whether the table is there."""
        return self._execute(statements.EXISTS).fetchone() is not None

    def get(self, places: Collection[Place], /) -> dict[Place, Found]:
        """The rows of those places that have one."""
        if len(places) == 1:
            [place] = places
            row = self._execute(statements.GET, place).fetchone()
            return {} if row is None else {place: row}
        keys_of: dict[str, list[str]] = {}
        for collection, key in places:
            keys_of.setdefault(collection, []).append(key)
        found: dict[Place, Found] = {}
        for collection, keys in keys_of.items():
            remaining = iter(keys)
            while some := list(islice(remaining, KEYS_PER_QUERY)):
                marks = ",".join("?" * len(some))
                rows = self._execute(f"{statements.GET_MANY} ({marks})", (collection, *some))
                for key, text, created, expires in rows:
                    found[collection, key] = text, created, expires
        return found

    def put(self, rows: Collection[Row], /) -> None:
        """Store rows, each in place of any that is there; no two have the same place."""
        self._execute_many(statements.PUT, rows)

    def put_if_absent(self, row: Row, /) -> bool:
        """Store a row unless there is a living one; True where it was stored."""
        return self._execute(statements.PUT_IF_ABSENT, (*row, time.time())).rowcount > 0

    def delete(self, places: Collection[Place], /) -> list[Place]:
        """Remove rows; the places of those that were living."""
        now = time.time()
        return [place for place in places if self._execute(statements.DELETE, (*place, now)).rowcount > 0]

    def list_keys(self, collection: str, limit: int | None, /) -> list[str]:
        """The keys of the living rows of a collection."""
        rows = self._execute(statements.KEYS, (collection, time.time(), _sql_limit(limit)))
        return [key for (key,) in rows]

    def list_collections(self, limit: int | None, /) -> list[str]:
        """The collections that have living rows."""
        return [name for (name,) in self._execute(statements.COLLECTIONS, (time.time(), _sql_limit(limit)))]

    def delete_collection(self, collection: str, /) -> bool:
        """Remove the rows of a collection; True where there were any."""
        return self._execute(statements.DELETE_COLLECTION, (collection,)).rowcount > 0

    def delete_all(self) -> None:
        """Remove every row."""
        self._execute(statements.DELETE_ALL)

    def cull(self) -> bool:
        """Remove some of the rows that have expired; True where there may be more."""
        return self._execute(statements.CULL, (time.time(), ROWS_PER_CULL)).rowcount == ROWS_PER_CULL


def _sql_limit(limit: int | None) -> int:
    return -1 if limit is None else limit
