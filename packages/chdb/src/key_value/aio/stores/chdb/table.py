"""The table of a chDB store."""

from collections.abc import Collection

from key_value.aio._utils.time_to_live import epoch_to_datetime, now
from key_value.aio.stores.base.table import Found, Place, Row
from key_value.aio.stores.chdb import statements
from key_value.aio.stores.chdb.engine import Engine, Source
from key_value.aio.stores.chdb.statements import limited, lines, literal, place_lists

VERSION = 1
"""The version of the rows, the only one so far."""


class ChDBTable:
    """Versions of one row for each entry, in the columns of the 0.5 series; the newest counts."""

    def __init__(self, source: Source, *, name: str) -> None:
        """Say where it is; nothing is opened yet.

        Args:
            source: The session.
            name: The name of the table.
        """
        self._engine = Engine(source, table=name)
        self.exists = self._engine.has_table
        self.close = self._engine.close

    def get(self, places: Collection[Place], /) -> dict[Place, Found]:
        """The rows of those places that have one."""
        return {
            (collection, key): (text, created or None, expires or None)
            for some in place_lists(places)
            for collection, key, text, created, expires in self._engine.ask(statements.GET, places=some)
        }

    def put(self, rows: Collection[Row], /) -> None:
        """Store rows, each in place of any that is there, all of them or none; no two have the same place."""
        with self._engine.using:
            stamp = self._engine.stamp()
            values = [
                (collection, key, text, _text(created), _text(expires), VERSION, stamp)
                for collection, key, text, created, expires in rows
            ]
            self._engine.store(statements.PUT, rows=lines(values))

    def put_if_absent(self, row: Row, /) -> bool:
        """Store a row unless there is a living one; True where it was stored."""
        with self._engine.using:
            absent = not self._living([row[:2]])
            if absent:
                self.put([row])
        return absent

    def delete(self, places: Collection[Place], /) -> list[Place]:
        """Remove rows; the places of those that were living."""
        with self._engine.using:
            living = self._living(places)
            for some in place_lists(places):
                self._engine.change(statements.DELETE, places=some)
        return living

    def list_keys(self, collection: str, limit: int | None, /) -> list[str]:
        """The keys of the living rows of a collection."""
        found = self._engine.ask(
            statements.KEYS, collection=literal(collection), now=_now(), limit=limited(limit)
        )
        return [key for (key,) in found]

    def list_collections(self, limit: int | None, /) -> list[str]:
        """The collections that have living rows."""
        found = self._engine.ask(statements.COLLECTIONS, now=_now(), limit=limited(limit))
        return [collection for (collection,) in found]

    def delete_collection(self, collection: str, /) -> bool:
        """Remove the rows of a collection; True where there were any."""
        with self._engine.using:
            counts = self._engine.ask(statements.COUNT, collection=literal(collection))
            found = any(int(count) for (count,) in counts)
            if found:
                self._engine.change(statements.DELETE_COLLECTION, collection=literal(collection))
        return found

    def delete_all(self) -> None:
        """Remove every row."""
        self._engine.change(statements.DELETE_ALL)

    def cull(self) -> bool:
        """Remove the rows that have expired, and all older versions of them; False, as none are left."""
        self._engine.change(statements.CULL, now=_now())
        return False

    def _living(self, places: Collection[Place]) -> list[Place]:
        return [
            (collection, key)
            for some in place_lists(places)
            for collection, key in self._engine.ask(statements.LIVING, places=some, now=_now())
        ]


def _text(epoch: float | None) -> str:
    return "" if epoch is None else epoch_to_datetime(epoch).isoformat()


def _now() -> str:
    return literal(now().isoformat())
