"""The table of a DuckDB store."""

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

from key_value.aio.stores.base.table import Found, Place, Row
from key_value.aio.stores.duckdb import statements
from key_value.aio.stores.duckdb.database import Database, Source


class DuckDBTable:
    """One row for each entry, in the columns of the 0.5 series."""

    def __init__(self, source: Source, *, name: str, auto_create: bool) -> None:
        """Say where it is; nothing is opened yet.

        Args:
            source: The database.
            name: The name of the table.
            auto_create: Whether to make what is missing of it.
        """
        self._database = Database(source, table=name, auto_create=auto_create)
        self.exists = self._database.has_table
        self.close = self._database.close

    def get(self, places: Collection[Place], /) -> dict[Place, Found]:
        """The rows of those places that have one."""
        if len(places) == 1:
            [place] = places
            found = self._database.ask(statements.GET, place)
        else:
            found = self._database.ask(statements.GET_MANY, _columns(places))
        return {
            (collection, key): (text, _seconds(created), _seconds(expires))
            for collection, key, text, created, expires in found
        }

    def put(self, rows: Collection[Row], /) -> None:
        """Store rows, each in place of any that is there, all of them or none; no two have the same place."""
        self._database.store(statements.PUT, _columns([_values(row) for row in rows]))

    def put_if_absent(self, row: Row, /) -> bool:
        """Store a row unless there is a living one; True where it was stored."""
        return bool(self._database.store(statements.PUT_IF_ABSENT, [*_values(row), _now()]))

    def delete(self, places: Collection[Place], /) -> list[Place]:
        """Remove rows; the places of those that were living."""
        now = _now()
        deleted = self._database.change(statements.DELETE, _columns(places))
        return [(collection, key) for collection, key, expires in deleted if expires is None or expires > now]

    def list_keys(self, collection: str, limit: int | None, /) -> list[str]:
        """The keys of the living rows of a collection."""
        return [key for (key,) in self._database.ask(statements.KEYS, [collection, _now(), limit])]

    def list_collections(self, limit: int | None, /) -> list[str]:
        """The collections that have living rows."""
        found = self._database.ask(statements.COLLECTIONS, [_now(), limit])
        return [collection for (collection,) in found]

    def delete_collection(self, collection: str, /) -> bool:
        """Remove the rows of a collection; True where there were any."""
        # Without RETURNING a statement returns how many rows it changed.
        counts = self._database.change(statements.DELETE_COLLECTION, [collection])
        return any(count for (count,) in counts)

    def delete_all(self) -> None:
        """Remove every row."""
        self._database.change(statements.DELETE_ALL)

    def cull(self) -> bool:
        """Remove the rows that have expired; False, as none are left."""
        self._database.change(statements.CULL, [_now()])
        return False


def _values(row: Row) -> tuple[str, str, str, int | None, int | None]:
    collection, key, text, created, expires = row
    return collection, key, text, _microseconds(created), _microseconds(expires)


def _columns(rows: Collection[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _microseconds(epoch: float | None) -> int | None:
    """A time as DuckDB counts it, rounded up so that nothing expires before its time."""
    return None if epoch is None else math.ceil(epoch * 1_000_000)


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def _now() -> int:
    return int(time.time() * 1_000_000)
