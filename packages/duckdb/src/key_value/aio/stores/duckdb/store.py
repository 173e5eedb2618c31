"""A store in a DuckDB database."""

from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, SerializationError, StoreConnectionError
from key_value.aio.stores.base import (
    SEED_DATA_TYPE,
    BasicSerializationAdapter,
    ManagedEntry,
    Row,
    TableStore,
    Worker,
    absolute,
    warns_on_wrong_types,
)
from key_value.aio.stores.duckdb.driver import ERRORS
from key_value.aio.stores.duckdb.table import MEMORY, DuckDBTable, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["DuckDBSerializationAdapter", "DuckDBStore"]


class DuckDBSerializationAdapter(BasicSerializationAdapter):
    """The documents that the 0.5 series made of the rows of its DuckDB store, for code that imports them."""

    def __init__(self) -> None:
        super().__init__(date_format="datetime", value_format="dict")


class DuckDBStore(TableStore):
    """A store in a DuckDB file, or in memory: every entry is a row that SQL can query.

    DuckDB is made for large queries. A put or a get costs milliseconds, and hundreds in one batch little
    more; so do those of many tasks at once, which share a statement. One process at a time can use a file,
    with any number of stores and connections; any other, also a forked child, gets a `StoreConnectionError`.

    The value is a JSON column. It holds NaN and infinities, as text that other readers of JSON may refuse,
    but no lone surrogates: those are a `SerializationError`. The file is made, for its owner alone, by the
    first write; reading creates nothing. Expired entries stay in it until `cull`.
    """

    errors = ERRORS
    url_parts = (("path", "database_path"),)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        connection: "DuckDBPyConnection | None" = None,
        database_path: Path | str | None = None,
        table_name: str = "kv_entries",
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
        auto_create: bool = True,
    ) -> None:
        """Name a database; nothing is opened before it is used.

        Args:
            connection: A connection to use in place of a path. The store works on a cursor of it, in
                transactions of its own and the database's default schema, and leaves it open.
            database_path: The file, `~` for the home directory; `:memory:` or None keeps everything in memory
                until the store is closed.
            table_name: The table: letters, digits and underscores.
            default_collection: The collection used when a call names none.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            auto_create: Whether to create the table, and the file, if they are missing; otherwise that is a
                `StoreSetupError`.

        Raises:
            ValueError: Both a connection and a path are given, the path is a URL, or the table's name is not
                a plain SQL identifier.
        """
        if connection is not None and database_path is not None:
            raise ValueError("Provide only one of connection or database_path")
        source: Source = _path(database_path) if connection is None else connection
        self.path = source if isinstance(source, str) else None
        self.location = self.path or ""
        super().__init__(
            Worker(
                repr(self),
                lambda: DuckDBTable(source, name=table_name, auto_create=auto_create),
                close=DuckDBTable.close,
                forks=False,
            ),
            table_name=table_name,
            auto_create=auto_create,
            default_collection=default_collection,
            seed=seed,
        )

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        mapped = super()._map_error(error)
        if mapped is not None and "lock on file" in str(error):
            message = f"{self!r} is in use: DuckDB lets one process at a time use a database: {error}"
            return StoreConnectionError(message=message)
        return mapped

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        if row.has_lone_surrogate:
            raise SerializationError(message="DuckDB cannot hold half of a surrogate pair in JSON")
        return row


def _path(path: Path | str | None) -> str:
    return MEMORY if path is None or str(path) == MEMORY else str(absolute(path))
