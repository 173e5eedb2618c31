"""A store in PostgreSQL."""

import asyncio
import json
import random
import ssl as tls
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, KeyValueStoreError, SerializationError
from key_value.aio.stores.base import (
    Address,
    BatchLimit,
    ClientPerLoop,
    EscapingStrategy,
    ManagedEntry,
    Names,
    Row,
    RowPage,
    RowStore,
)
from key_value.aio.stores.postgresql.driver import (
    ALREADY_THERE,
    ENDED,
    ERRORS,
    GIVES_UP,
    MISSING,
    ROLLED_BACK,
    UNENCODABLE,
    UNPREPARED,
    OneConnection,
    ReadOnlyError,
    Source,
    hide_details,
    location_of,
    open_pool,
)
from key_value.aio.stores.postgresql.statements import (
    INSPECT,
    check_table,
    quoted,
    statements_of,
    without_exponents,
)

if TYPE_CHECKING:
    from asyncpg import Connection, Pool  # pyright: ignore[reportMissingTypeStubs] -- it has none

PUBLISHED_NAMES = Names(keys=EscapingStrategy("\0"), collections=EscapingStrategy("\0"))
"""Names in a table of the 0.5 series, which has no room for a long name next to the key that replaces it."""

NOTICING = 0.01
"""Seconds in which the event loop notices that other connections have ended."""

_FOLDED = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
"""PostgreSQL folds these letters in an unquoted name, and the 0.5 series did not quote names."""


class PostgreSQLStore(RowStore):
    """A store in a table of PostgreSQL 12 or later, shared by any number of processes and machines.

    Each operation, including a batch, is one statement and therefore atomic. Concurrent single reads share a
    statement. Expired rows are removed through an index, a limited number with every hundred writes.

    Without a `pool` or `connection` argument, the store opens a pool per event loop. On a broken connection,
    reads and plain writes are retried once, conditional writes only if PostgreSQL reports a rollback.
    """

    # An index entry of the primary key is limited to 2,704 bytes.
    names = Names(
        keys=EscapingStrategy("\0", max_bytes=2000), collections=EscapingStrategy("\0", max_bytes=600)
    )
    errors = ERRORS
    batch_limit = BatchLimit(items=100_000, size=100_000_000)
    reconnects = True
    gathers_reads = True
    url_parts = (("url", "url"),)

    def __init__(
        self,
        *,
        pool: "Pool | None" = None,
        connection: "Connection | None" = None,
        url: str | None = None,
        host: str = "localhost",
        port: int = 5432,
        database: str = "postgres",
        user: str | None = None,
        password: str | None = None,
        ssl: tls.SSLContext | str | bool | None = None,
        table_name: str | None = None,
        schema: str | None = None,
        default_collection: str | None = None,
        auto_create: bool = True,
        min_size: int = 0,
        max_size: int = 10,
        statement_cache_size: int = 100,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a pool or connection, or with a URL or host to connect to; connects on first use.

        Args:
            pool: asyncpg pool, initialized or not. The store does not close it.
            connection: asyncpg connection, with any codecs. The store does not close it, and writes within
                its transaction, if there is one.
            url: `postgresql://user:password@host:port/database`, with libpq's options, such as `sslmode` and
                `sslrootcert`. The arguments for a host are then ignored.
            host: Host name, or the directory of a Unix socket.
            port: Port.
            database: Database name.
            user: User name; None uses `PGUSER` or the operating system's user.
            password: Password; None uses `PGPASSWORD` or `~/.pgpass`.
            ssl: SSL context, or an `sslmode`; None tries TLS first and falls back to a plain connection.
            table_name: Table name of letters, digits and underscores. Defaults to `kv_store`. `A` to `Z` are
                converted to lower case.
            schema: Schema of the table; None uses the first one in the search path that has the table.
            default_collection: Collection used when a call does not name one.
            auto_create: Whether the first write creates a missing table; otherwise setup fails without one.
            min_size: Number of connections kept open.
            max_size: Maximum number of open connections.
            statement_cache_size: Number of prepared statements kept per connection. Pass 0 for a pooler in
                transaction mode, such as PgBouncer before 1.21.
            timeout: Maximum duration of a call, in seconds, including the wait for a connection; None sets no
                limit.

        Raises:
            TypeError: `pool` is not an asyncpg pool.
            ValueError: More than one of `pool`, `connection` and `url` is given, or the URL or the table name
                is invalid.
        """
        if sum(given is not None for given in (pool, connection, url)) > 1:
            raise ValueError("Provide only one of pool, connection and url")
        if pool is not None and not hasattr(pool, "acquire"):
            raise TypeError(
                f"pool must be an asyncpg pool, not {type(pool).__module__}.{type(pool).__name__}"
            )
        super().__init__(default_collection=default_collection, timeout=timeout)
        self._table_name = _checked("Table", table_name or "kv_store")
        self._table = self._table_name.translate(_FOLDED)
        self._schema = schema
        self._auto_create = auto_create
        self._given_pool = pool
        self._given_connection = connection
        self._options: dict[str, Any] = {
            "ssl": ssl,
            "min_size": min_size,
            "max_size": max_size,
            "statement_cache_size": statement_cache_size,
        }
        if url is not None:
            self.location = location_of(url)
            self._options["dsn"] = url
            if "," in self.location and "target_session_attrs" not in url:
                # With several hosts, asyncpg could connect to a standby, which rejects every write.
                self._options["target_session_attrs"] = "read-write"
        elif pool is None and connection is None:
            self.location = f"postgresql://{host}:{port}/{database}"
            self._options.update(host=host, port=port, database=database, user=user, password=password)
        self._by_socket = host.startswith("/") or "host=" in (url or "")
        given = pool if connection is None else OneConnection(connection)
        self._connections = self._owns(
            ClientPerLoop[Source](
                cast("Source | None", given), lambda: open_pool(self._options, self.timeout)
            )
        )
        self._sql: dict[str, str]
        self._has_names = True
        self._is_jsonb = False

    @override
    async def _setup(self) -> None:
        if self._given_pool is not None:
            await self._given_pool  # It may already be initialized.
        if not await self._fetch(self._inspect) and not self._auto_create:
            raise ValueError(
                f"Table '{self._table}' does not exist. "
                "Either create the table manually or set auto_create=True."
            )

    async def _inspect(self) -> bool:
        """Choose the statements for the table as it is; return whether the table exists."""
        name = ".".join(quoted(part) for part in (self._schema, self._table) if part)
        [found] = await self._query(INSPECT, name, self._schema)
        schema, is_there, columns, has_key, is_ambiguous = found
        if schema is None:
            message = "No schema in the search path exists: create one, or pass another as schema"
            raise KeyValueStoreError(message=message)
        types: dict[str, str] = json.loads(columns)
        if is_there:
            check_table(self._table, types, has_key=has_key, is_ambiguous=is_ambiguous)
        self._is_jsonb = types.get("value") == "jsonb"
        self._has_names = not is_there or "names" in types
        self._sql = statements_of(schema, self._table, has_names=self._has_names)
        self.names = type(self).names if self._has_names else PUBLISHED_NAMES
        return is_there

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        hide_details(error)
        if isinstance(error, UNENCODABLE):
            return SerializationError(message=f"PostgreSQL cannot store the entry: {error.args[0]}")
        if isinstance(error, UNPREPARED):
            return KeyValueStoreError(message=f"{self!r}: set statement_cache_size=0 for a pooler: {error}")
        if isinstance(error, FileNotFoundError) and not self._by_socket:
            # A certificate file is missing, which no retry can fix.
            return KeyValueStoreError(message=f"{self!r}: {error}")
        return super()._map_error(error)

    async def _query(self, statement: str, *arguments: Any) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement; repeat it only if PostgreSQL has rolled it back."""
        while True:
            try:
                return await self._send(statement, *arguments)
            except ROLLED_BACK:
                if self._is_in_transaction():
                    raise
                await asyncio.sleep(random.random() / 100)  # noqa: S311 -- so that two do not collide again

    def _is_in_transaction(self) -> bool:
        """Return whether the caller has an open transaction, which must be restarted as a whole."""
        given: Any = self._given_connection
        return given is not None and given.is_in_transaction()

    async def _send(self, statement: str, *arguments: Any) -> Sequence[Sequence[Any]]:
        source = await self._connections.get()
        timeout = self.timeout
        connection = await source.acquire()
        try:
            return await connection.fetch(
                statement, *arguments, timeout=None if timeout is None else timeout * GIVES_UP
            )
        except ReadOnlyError:
            await source.expire_connections()
            raise
        except ENDED:
            # Lets the pool notice other connections that ended at the same time, before the call is retried.
            await asyncio.sleep(NOTICING)
            raise
        finally:
            await source.release(connection, timeout=None if timeout is None else timeout * (1 - GIVES_UP))

    async def _run(self, name: str, *arguments: Any, creates: bool = False) -> Sequence[Sequence[Any]]:
        """Return the rows of one of the statements; no rows if the table does not exist.

        Args:
            name: Name of the statement.
            arguments: Arguments of the statement.
            creates: Whether to create a missing table.
        """
        try:
            return await self._query(self._sql[name], *arguments)
        except MISSING:
            # The table was dropped, or created since; in that case it may be one of the 0.5 series.
            if not self._auto_create:
                raise
        if creates:
            await self._create_table()
        is_there = await self._inspect()
        return await self._query(self._sql[name], *arguments) if is_there else []

    async def _create_table(self) -> None:
        source = await self._connections.get()
        connection = await source.acquire()
        try:
            await connection.execute(self._sql["create"], timeout=None)
        except ALREADY_THERE:
            pass
        finally:
            await source.release(connection, timeout=None)

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        return row._replace(value=without_exponents(cast("str", row.value))) if self._is_jsonb else row

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        if len(addresses) == 1:
            return [Row(*row) for row in await self._run("get", *addresses[0])]
        return [Row(*row) for row in await self._run("get_many", *_columns(addresses))]

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> None:
        if len(rows) == 1:
            await self._run("put", *self._fields(rows[0]), creates=True)
        else:
            _, keys, values, _, _, *names = _columns([self._fields(row) for row in rows])
            first = rows[0]
            shared = first.collection, first.created, first.expires
            await self._run("put_many", *shared, keys, values, *names, creates=True)

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        if len(addresses) == 1:
            return sum(lived for [lived] in await self._run("delete", *addresses[0], now))
        keys = [address.key for address in addresses]
        return _count(await self._run("delete_many", addresses[0].collection, keys, now))

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        if version is None:
            stored = await self._run("put_if_absent", *self._fields(row), creates=True)
        else:
            stored = await self._run("put_if_version", *row[:5], version)
        return stored[0][0] if stored else None

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        return bool(await self._run("delete_if_version", *address, version))

    @override
    async def _take_row(self, address: Address) -> Row | None:
        rows = await self._run("take", *address)
        return Row(*rows[0]) if rows else None

    @override
    async def _touch_row(self, address: Address, expires: float | None, now: float) -> bool:
        return bool(await self._run("touch", *address, expires, now))

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        page = "first_page" if after is None else "page"
        found = await self._run(page, *(after or (collection or "", "")), limit)
        rows = [_listed_row(row) for row in found if collection in (None, row[0])]
        return RowPage(rows, rows[-1].address if len(rows) == limit else None)

    @override
    async def _clear_rows(self, collection: str | None) -> bool:
        if collection is None:
            return _count(await self._run("clear")) > 0
        return _count(await self._run("clear_collection", collection)) > 0

    @override
    async def _cull_rows(self, limit: int) -> int:
        return _count(await self._run("cull", time.time(), limit))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        rows = await self._fetch(lambda: self._run("collections", time.time(), limit))
        return [each.collection for row in rows if (each := self._listed(_listed_row(row))) is not None]

    def _fields(self, row: Row) -> tuple[Any, ...]:
        """Return the column values of a row, without the version, which PostgreSQL generates."""
        return (*row[:5], self._names_to_keep(row)) if self._has_names else row[:5]

    def _names_to_keep(self, row: Row) -> str | None:
        """Return the original names of the entry as JSON, if the row's names cannot be decoded to them."""
        if row.original == row.address:
            return None
        readable = (
            self.names.collections.try_unsanitize(row.collection),
            self.names.keys.try_unsanitize(row.key),
        )
        return None if row.original == readable else json.dumps(row.original)


def _listed_row(fields: Sequence[Any]) -> Row:
    *row, names = fields
    return Row(*row, original=Address(*json.loads(names)) if names else None)


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _count(rows: Sequence[Sequence[Any]]) -> int:
    return rows[0][0] if rows else 0


def _checked(kind: str, name: str) -> str:
    """Return a name if the 0.5 series allows it."""
    if not name.replace("_", "").isalnum():
        raise ValueError(f"{kind} name must be alphanumeric (with underscores): {name}")
    if name[0].isdigit():
        raise ValueError(f"{kind} name must not start with a digit: {name}")
    if len(name.encode()) > 63:
        raise ValueError(f"{kind} name too long (>63): {name}")
    return name
