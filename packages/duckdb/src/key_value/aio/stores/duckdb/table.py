"""The table of a DuckDB store, with the columns of the 0.5 series, and its database.

Each statement is a separate transaction: DuckDB up to 1.5.1 can lose the second change of a row in the same
transaction. Times are passed as numbers in both directions: fetching a TIMESTAMPTZ as a datetime needs pytz.
"""

import math
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from typing_extensions import override

from key_value.aio.stores.base import Address, Row, Table
from key_value.aio.stores.duckdb import files
from key_value.aio.stores.duckdb.driver import duckdb, is_conflict

MEMORY = ":memory:"

ATTEMPTS = 50
"""Maximum number of attempts of a statement that conflicts with other connections of this process."""

Source: TypeAlias = "str | duckdb.DuckDBPyConnection"
"""A file, `:memory:`, or a connection of the caller."""

# The primary key keeps rows unique, but DuckDB does not search by an index of two columns.
SCHEMA = """
CREATE TABLE IF NOT EXISTS kv_entries (
    collection VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    value JSON NOT NULL,
    created_at TIMESTAMPTZ,
    expires_at TIMESTAMPTZ,
    version INT NOT NULL,
    PRIMARY KEY (collection, key)
);
CREATE INDEX IF NOT EXISTS idx_kv_entries_key ON kv_entries (key);
"""
HAS_TABLE = """
SELECT 1 FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = current_schema() AND lower(table_name) = lower(?)
"""
COLUMNS = "collection, key, value, epoch_us(created_at), epoch_us(expires_at)"
AT = "(collection, key) IN (SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]))"
# DuckDB uses an index for a comparison, but not for a subquery.
GET = f"SELECT {COLUMNS} FROM kv_entries WHERE collection = ? AND key = ?"
GET_MANY = f"SELECT {COLUMNS} FROM kv_entries WHERE {AT}"
INSERT = "INSERT INTO kv_entries (collection, key, value, created_at, expires_at, version)"
PUT = f"""
{INSERT}
SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[])::JSON,
    make_timestamptz(unnest($4::BIGINT[])), make_timestamptz(unnest($5::BIGINT[])), 1
ON CONFLICT (collection, key) DO UPDATE
SET value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at,
    version = excluded.version
"""
PUT_IF_ABSENT = f"""
{INSERT} VALUES (?, ?, ?::JSON, make_timestamptz(?), make_timestamptz(?), 1)
ON CONFLICT (collection, key) DO NOTHING RETURNING key
"""
PUT_IF_SAME = """
UPDATE kv_entries SET value = $3::JSON, created_at = make_timestamptz($4), expires_at = make_timestamptz($5),
    version = 1
WHERE collection = $1 AND key = $2 AND epoch_us(created_at) IS NOT DISTINCT FROM $6 RETURNING key
"""
DELETE = f"DELETE FROM kv_entries WHERE {AT} RETURNING collection, key, epoch_us(expires_at)"
TAKE = f"DELETE FROM kv_entries WHERE collection = $1 AND key = $2 RETURNING {COLUMNS}"
TAKE_IF_SAME = f"""
DELETE FROM kv_entries
WHERE collection = $1 AND key = $2 AND epoch_us(created_at) IS NOT DISTINCT FROM $3 RETURNING {COLUMNS}
"""
LIST = """
SELECT collection, key, '', epoch_us(created_at), epoch_us(expires_at) FROM kv_entries
WHERE ($1 IS NULL OR collection = $1) AND ($2 IS NULL OR (collection, key) > ($2, $3)) AND key >= $4
ORDER BY collection, key LIMIT $5
"""
KEYS = """
SELECT key FROM kv_entries
WHERE collection = ? AND (expires_at IS NULL OR expires_at > make_timestamptz(?)) LIMIT ?
"""
COLLECTIONS = """
SELECT DISTINCT collection FROM kv_entries
WHERE expires_at IS NULL OR expires_at > make_timestamptz(?)
LIMIT ?
"""
CLEAR_COLLECTION = "DELETE FROM kv_entries WHERE collection = ?"
CLEAR = "DELETE FROM kv_entries"
CULL = """
DELETE FROM kv_entries WHERE (collection, key) IN (
    SELECT (collection, key) FROM kv_entries WHERE expires_at <= make_timestamptz(?) LIMIT ?
) RETURNING 1
"""


class DuckDBTable(Table):
    """The rows of one database, which the first write creates; used by one thread only."""

    _newest: ClassVar[int] = 0
    """The latest `created_at` of this process in microseconds; it always increases, as do row versions."""

    _stamping: ClassVar = threading.Lock()

    def __init__(self, source: Source, *, name: str, auto_create: bool) -> None:
        """Initialize with a database, without opening it.

        Args:
            source: The database.
            name: Table name.
            auto_create: Whether to create a missing database and table.
        """
        self._path = Path(source) if isinstance(source, str) and source != MEMORY else None
        self._source = source
        self._name = name
        self._auto_create = auto_create
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._found = False
        self._is_prepared = False

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @override
    def exists(self) -> bool:
        if not self._found and (self._connection or self._path is None or self._path.exists()):
            self._found = bool(self._execute(HAS_TABLE, [self._name]))
        return self._found

    @override
    def get(self, addresses: Collection[Address], /) -> dict[Address, Row]:
        if len(addresses) == 1:
            [address] = addresses
            found = self._read(GET, address)
        else:
            found = self._read(GET_MANY, _columns(addresses))
        return {row.address: row for row in map(_row, found)}

    @override
    def put(self, rows: Collection[Row], /) -> None:
        created = self._stamp(max(float(row.created or 0) for row in rows))
        self._store(PUT, _columns([_values(row, created) for row in rows]))

    @override
    def put_if(self, row: Row, version: str | None, /) -> str | None:
        created = self._stamp(float(row.created or 0))
        values = _values(row, created)
        if version is None:
            stored = self._store(PUT_IF_ABSENT, values)
        else:
            stored = self._store(PUT_IF_SAME, [*values, _created(version)])
        return str(created) if stored else None

    @override
    def take(self, address: Address, version: str | None, /) -> Row | None:
        if version is None:
            found = self._change(TAKE, address)
        else:
            found = self._change(TAKE_IF_SAME, [*address, _created(version)])
        return _row(found[0]) if found else None

    @override
    def delete(self, addresses: Collection[Address], now: float, /) -> list[Address]:
        deleted = self._change(DELETE, _columns(addresses))
        unexpired = ((name, key) for name, key, expires in deleted if expires is None or expires > now * 1e6)
        return [Address(name, key) for name, key in unexpired]

    @override
    def page(self, collection: str | None, prefix: str, after: Address | None, limit: int, /) -> list[Row]:
        start = (None, None) if after is None else after
        return [_row(fields) for fields in self._read(LIST, [collection, *start, prefix, limit])]

    @override
    def keys(self, collection: str, limit: int | None, /) -> list[str]:
        return [key for (key,) in self._read(KEYS, [collection, _now(), limit])]

    @override
    def collections(self, limit: int | None, /) -> list[str]:
        return [name for (name,) in self._read(COLLECTIONS, [_now(), limit])]

    @override
    def clear(self, collection: str | None, /) -> bool:
        # Without RETURNING, a statement returns the number of changed rows.
        counts = self._change(CLEAR) if collection is None else self._change(CLEAR_COLLECTION, [collection])
        return any(count for (count,) in counts)

    @override
    def cull(self, limit: int, /) -> int:
        return len(self._change(CULL, [_now(), limit]))

    def _stamp(self, created: float) -> int:
        """Return the time to store rows with, in microseconds: their own, or later than all previous ones."""
        with self._stamping:
            DuckDBTable._newest = max(_microseconds(created), DuckDBTable._newest + 1)
            return DuckDBTable._newest

    def _read(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; no rows if the table does not exist yet."""
        return self._execute(query, parameters) if self.exists() else []

    def _change(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement that changes rows and return its rows; no rows if the table does not exist."""
        return self._write(statement, parameters) if self.exists() else []

    def _store(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement that changes rows, in a table that is created if it is missing."""
        if not self._is_prepared:
            if self._auto_create:
                if self._path is not None and not self._path.exists():
                    files.create(self._path)
                self._write(SCHEMA)
            self._is_prepared = True
        return self._change(statement, parameters)

    def _write(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        # Opening a database removes an empty log.
        self._connect()
        if self._path is not None:
            files.create_log(self._path)
        return self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; repeat it if it conflicts with another connection of this process."""
        statement = _for_table(statement, self._name)
        for attempt in range(ATTEMPTS):
            try:
                return self._connect().execute(statement, parameters).fetchall()
            except duckdb.FatalException:
                # After a failed write, for example on a full disk, DuckDB accepts nothing until the database
                # is reopened.
                self.close()
                raise
            except duckdb.Error as error:
                if attempt == ATTEMPTS - 1 or not is_conflict(error):
                    raise
                time.sleep(0.001 * attempt)
        return []

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            if isinstance(self._source, str):
                self._connection = self._open(self._source)
            else:
                # A connection may be used by one thread at a time, and this one belongs to the caller.
                self._connection = self._source.cursor()
        return self._connection

    def _open(self, path: str) -> "duckdb.DuckDBPyConnection":
        try:
            connection = duckdb.connect(path)
        except duckdb.IOException:
            if self._path is None or not self._path.exists() or files.is_writable(self._path):
                raise
            return duckdb.connect(path, read_only=True)
        if self._path is not None:
            files.sweep(self._path)
        return connection


def _for_table(statement: str, table: str) -> str:
    """Return a statement for a table of any name, even an SQL keyword."""
    return statement.replace("idx_kv_entries_key", f'"idx_{table}_key"').replace(" kv_entries", f' "{table}"')


def _row(fields: Sequence[Any]) -> Row:
    collection, key, value, created, expires = fields
    return Row(collection, key, value, _seconds(created), _seconds(expires), str(created or ""))


def _values(row: Row, created: int) -> list[Any]:
    expires = None if row.expires is None else _microseconds(float(row.expires))
    return [row.collection, row.key, row.value, created, expires]


def _created(version: str) -> int | None:
    """Return the time of a version; -1, which no row has, for an invalid version."""
    if not version:
        return None
    return int(version) if version.isdecimal() else -1


def _columns(rows: Collection[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _microseconds(epoch: float) -> int:
    """Return a time in DuckDB's microseconds, rounded up so that nothing expires early."""
    return math.ceil(epoch * 1_000_000)


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def _now() -> int:
    return int(time.time() * 1_000_000)
