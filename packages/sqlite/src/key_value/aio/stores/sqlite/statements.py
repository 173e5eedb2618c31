"""The table of a SQLite store, and what is asked of it."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

Row: TypeAlias = tuple[str, str, str, float | None, float | None]
"""Collection, key, value as JSON text, and the seconds since 1970 at which it was stored and expires."""

Found: TypeAlias = tuple[str, float | None, float | None]
"""Value, stored at, expires at."""

KEYS_PER_QUERY = 500
"""SQLite before 3.32 takes 999 parameters at most: https://www.sqlite.org/limits.html#max_variable_number"""

ROWS_PER_CULL = 5000

TABLE = "kv_entries"
"""The table; the statements below name it."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS kv_entries (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at REAL,
    expires_at REAL,
    PRIMARY KEY (collection, key)
);
CREATE INDEX IF NOT EXISTS kv_entries_expires_at ON kv_entries (expires_at) WHERE expires_at IS NOT NULL;
"""

_PUT = """
INSERT INTO kv_entries (collection, key, value, created_at, expires_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (collection, key) DO UPDATE
SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at
"""
_PUT_IF_ABSENT = _PUT + "WHERE kv_entries.expires_at <= ?"
_GET = "SELECT value, created_at, expires_at FROM kv_entries WHERE collection = ? AND key = ?"
_GET_MANY = "SELECT key, value, created_at, expires_at FROM kv_entries WHERE collection = ? AND key IN "
_DELETE = "DELETE FROM kv_entries WHERE collection = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)"
_KEYS = "SELECT key FROM kv_entries WHERE collection = ? AND (expires_at IS NULL OR expires_at > ?) LIMIT ?"
# Steps from each collection to the next along the primary key, instead of reading every row as DISTINCT does.
_COLLECTIONS = """
WITH RECURSIVE names (name) AS (
    SELECT min(collection) FROM kv_entries
    UNION ALL
    SELECT (SELECT min(collection) FROM kv_entries WHERE collection > name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names
WHERE name IS NOT NULL AND EXISTS (
    SELECT 1 FROM kv_entries WHERE collection = name AND (expires_at IS NULL OR expires_at > ?)
)
LIMIT ?
"""
_CULL = "DELETE FROM kv_entries WHERE rowid IN (SELECT rowid FROM kv_entries WHERE expires_at <= ? LIMIT ?)"


def get(connection: sqlite3.Connection, collection: str, key: str) -> Found | None:
    """What is stored for a key."""
    return connection.execute(_GET, (collection, key)).fetchone()


def get_many(connection: sqlite3.Connection, collection: str, keys: Iterable[str]) -> dict[str, Found]:
    """What is stored for several keys."""
    found: dict[str, Found] = {}
    remaining = iter(keys)
    while some := list(islice(remaining, KEYS_PER_QUERY)):
        marks = ",".join("?" * len(some))
        rows = connection.execute(_GET_MANY + f"({marks})", (collection, *some))
        found.update((key, (value, created, expires)) for key, value, created, expires in rows)
    return found


def put(connection: sqlite3.Connection, row: Row) -> None:
    """Store a value in place of any that is there."""
    connection.execute(_PUT, row)


def put_many(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Store several values."""
    connection.executemany(_PUT, rows)


def put_if_absent(connection: sqlite3.Connection, row: Row) -> bool:
    """Store a value unless there is one that has not expired."""
    return connection.execute(_PUT_IF_ABSENT, (*row, time.time())).rowcount > 0


def delete(connection: sqlite3.Connection, collection: str, keys: Iterable[str]) -> int:
    """Remove several values; how many there were that had not expired."""
    now = time.time()
    return connection.executemany(_DELETE, [(collection, key, now) for key in keys]).rowcount


def list_keys(connection: sqlite3.Connection, collection: str, limit: int | None) -> list[str]:
    """The keys of a collection that have not expired."""
    rows = connection.execute(_KEYS, (collection, time.time(), _sql_limit(limit)))
    return [key for (key,) in rows]


def list_collections(connection: sqlite3.Connection, limit: int | None) -> list[str]:
    """The collections that have entries that have not expired."""
    return [name for (name,) in connection.execute(_COLLECTIONS, (time.time(), _sql_limit(limit)))]


def delete_collection(connection: sqlite3.Connection, collection: str) -> bool:
    """Remove a collection; True where there was something to remove."""
    return connection.execute("DELETE FROM kv_entries WHERE collection = ?", (collection,)).rowcount > 0


def delete_all(connection: sqlite3.Connection) -> bool:
    """Remove every entry."""
    connection.execute("DELETE FROM kv_entries")
    return True


def cull_some(connection: sqlite3.Connection) -> bool:
    """Remove some of the entries that have expired; True where there may be more."""
    return connection.execute(_CULL, (time.time(), ROWS_PER_CULL)).rowcount == ROWS_PER_CULL


def _sql_limit(limit: int | None) -> int:
    return -1 if limit is None else limit
