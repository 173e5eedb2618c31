"""Which rows of a cache go first."""

import sqlite3
import time
from collections.abc import Sequence
from typing import TypeAlias

from key_value.aio.stores.disk.driver import Policy

Place: TypeAlias = str | bytes
"""What stands for a name in the database."""

Row: TypeAlias = tuple[Place, int, str | None]
"""The place of a row, its number, and the file of its value if that has one."""

_EXPIRED = "SELECT key, rowid, filename FROM Cache WHERE expire_time <= ? ORDER BY expire_time LIMIT ?"
_NEWEST = "SELECT rowid FROM Cache ORDER BY store_time DESC, rowid DESC LIMIT 1"
_SIZE = "SELECT value FROM Settings WHERE key = 'size'"
_TREES = "SELECT count(*) FROM sqlite_master WHERE rootpage > 0"

_OTHER_PAGES = 2
"""Pages of an empty cache besides one for each table and index: the schema, and the list of pages."""


def expired(connection: sqlite3.Connection, limit: int) -> list[Row]:
    """Rows that have expired."""
    return connection.execute(_EXPIRED, (time.time(), limit)).fetchall()


def in_the_way(connection: sqlite3.Connection, policy: Policy) -> Sequence[Row]:
    """The row to remove next for the others to have room, if they have none; never the one stored last."""
    if policy.evicted is None or not policy.rows or _taken(connection) <= policy.size:
        return []
    query = policy.evicted.format(fields="key, rowid, filename", now=time.time())
    candidates: list[Row] = connection.execute(query, (2,)).fetchall()
    ((newest,),) = connection.execute(_NEWEST)
    return [row for row in candidates if row[1] != newest][:1]


def _taken(connection: sqlite3.Connection) -> int:
    """The bytes that the rows and their files take, without those of an empty cache."""
    pages, free, size, files, trees = (
        connection.execute(query).fetchone()[0]
        for query in ("PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size", _SIZE, _TREES)
    )
    return (pages - free - trees - _OTHER_PAGES) * size + files
