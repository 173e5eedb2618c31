"""The table of a chDB store, with the columns of the 0.5 series.

The table keeps all versions of a row until it merges them; FINAL reads only the newest one.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timezone

from typing_extensions import override

from key_value.aio.stores.base import Address, Row, Table
from key_value.aio.stores.chdb.engine import Engine, Source

VERSION = 1
"""Format version of the rows, the only one so far."""

COLUMNS = "collection, key, {value} AS text, created_at, expires_at, toUnixTimestamp64Nano(inserted_at)"
GET = f"""
SELECT {COLUMNS} FROM {{table}} FINAL
PREWHERE (collection, key) IN ({{addresses}})
SETTINGS max_threads = 1
"""
# A single thread writes a single part of the table, which makes the insert atomic.
PUT = """
INSERT INTO {table} (collection, key, value, created_at, expires_at, version, inserted_at)
SETTINGS input_format_parallel_parsing = 0, max_insert_threads = 1
FORMAT JSONCompactEachRow {rows}
"""
UNEXPIRED = """
SELECT collection, key FROM {table} FINAL
PREWHERE (collection, key) IN ({addresses}) WHERE expires_at = '' OR expires_at > {now}
"""
DELETE = "DELETE FROM {table} WHERE (collection, key) IN ({addresses})"
# Times with and without a fraction compare correctly as text, because `+` sorts before `.`.
EXPIRED = """
SELECT collection, key FROM {table} FINAL WHERE expires_at != '' AND expires_at <= {now} LIMIT {limit}
"""
LIST = f"""
SELECT {COLUMNS} FROM {{table}} FINAL
PREWHERE {{condition}} ORDER BY collection, key LIMIT {{limit}}
"""
KEYS = """
SELECT key FROM {table} FINAL
PREWHERE collection = {collection} WHERE expires_at = '' OR expires_at > {now} {limit}
"""
COLLECTIONS = """
SELECT DISTINCT collection FROM {table} FINAL WHERE expires_at = '' OR expires_at > {now} {limit}
"""
COUNT = "SELECT count() FROM {table} WHERE collection = {collection}"
CLEAR_COLLECTION = "DELETE FROM {table} WHERE collection = {collection}"
CLEAR = "TRUNCATE TABLE {table}"

CHARACTERS_AT_A_TIME = 100_000
"""ClickHouse parses at most 262144 bytes of a statement, without inserted data, unless `max_query_size` is
changed: https://clickhouse.com/docs/operations/settings/settings#max_query_size"""

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0"})


class ChDBTable(Table):
    """A table with several versions of the row of each entry, of which the newest counts.

    The insertion time of a row is later than that of all previous rows, and serves as its version.
    """

    def __init__(self, source: Source, *, name: str) -> None:
        """Initialize with a session, without opening it.

        Args:
            source: The session.
            name: Table name.
        """
        self._engine = Engine(source, table=name)
        self.close = self._engine.close

    @override
    def exists(self) -> bool:
        return self._engine.has_table()

    @override
    def get(self, addresses: Collection[Address], /) -> dict[Address, Row]:
        found = (
            _row(fields)
            for some in _lists(addresses)
            for fields in self._engine.read(GET, addresses=some, value="value")
        )
        return {row.address: row for row in found}

    @override
    def put(self, rows: Collection[Row], /) -> None:
        with self._engine.using:
            stamp = self._engine.stamp()
            values = [
                (row.collection, row.key, row.value, _text(row.created), _text(row.expires), VERSION, stamp)
                for row in rows
            ]
            self._engine.store(PUT, rows="\n".join(map(json.dumps, values)))

    @override
    def put_if(self, row: Row, version: str | None, /) -> str | None:
        with self._engine.using:
            return super().put_if(row, version)

    @override
    def take(self, address: Address, version: str | None, /) -> Row | None:
        with self._engine.using:
            return super().take(address, version)

    @override
    def delete(self, addresses: Collection[Address], now: float, /) -> list[Address]:
        with self._engine.using:
            unexpired = [
                Address(*fields)
                for some in _lists(addresses)
                for fields in self._engine.read(UNEXPIRED, addresses=some, now=_literal(_text(now)))
            ]
            self._delete(addresses)
        return unexpired

    @override
    def page(self, collection: str | None, prefix: str, after: Address | None, limit: int, /) -> list[Row]:
        conditions = [f"startsWith(key, {_literal(prefix)})"]
        if collection is not None:
            conditions.append(f"collection = {_literal(collection)}")
        if after is not None:
            conditions.append(f"(collection, key) > ({_literal(after.collection)}, {_literal(after.key)})")
        found = self._engine.read(LIST, condition=" AND ".join(conditions), limit=str(limit), value="''")
        return [_row(fields) for fields in found]

    @override
    def keys(self, collection: str, limit: int | None, /) -> list[str]:
        found = self._engine.read(KEYS, collection=_literal(collection), now=_now(), limit=_limit(limit))
        return [key for (key,) in found]

    @override
    def collections(self, limit: int | None, /) -> list[str]:
        return [name for (name,) in self._engine.read(COLLECTIONS, now=_now(), limit=_limit(limit))]

    @override
    def clear(self, collection: str | None, /) -> bool:
        if collection is None:
            self._engine.change(CLEAR)
            return True
        with self._engine.using:
            counts = self._engine.read(COUNT, collection=_literal(collection))
            found = any(int(count) for (count,) in counts)
            if found:
                self._engine.change(CLEAR_COLLECTION, collection=_literal(collection))
        return found

    @override
    def cull(self, limit: int, /) -> int:
        with self._engine.using:
            expired = [Address(*each) for each in self._engine.read(EXPIRED, now=_now(), limit=str(limit))]
            self._delete(expired)
        return len(expired)

    def _delete(self, addresses: Iterable[Address]) -> None:
        for some in _lists(addresses):
            self._engine.change(DELETE, addresses=some)


def _row(fields: Sequence[str]) -> Row:
    collection, key, value, created, expires, version = fields
    return Row(collection, key, value, created or None, expires or None, str(version))


def _limit(limit: int | None) -> str:
    return "" if limit is None else f"LIMIT {limit}"


def _literal(text: str) -> str:
    """Return text as an SQL literal."""
    return f"'{text.translate(_ESCAPES)}'"


def _lists(addresses: Iterable[Address]) -> Iterator[str]:
    """Return addresses as SQL lists, each short enough for a statement."""
    some: list[str] = []
    size = 0
    for collection, key in addresses:
        some.append(f"({_literal(collection)}, {_literal(key)})")
        size += len(some[-1])
        if size > CHARACTERS_AT_A_TIME:
            yield ", ".join(some)
            some, size = [], 0
    if some:
        yield ", ".join(some)


def _text(epoch: float | str | None) -> str:
    if isinstance(epoch, str):
        return epoch
    return "" if epoch is None else datetime.fromtimestamp(epoch, tz=timezone.utc).isoformat()


def _now() -> str:
    return _literal(_text(time.time()))
