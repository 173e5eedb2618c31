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
    """The serialization adapter of the 0.5 series' DuckDB store, for code that imports it."""

    def __init__(self) -> None:
        super().__init__(date_format="datetime", value_format="dict")


class DuckDBStore(TableStore):
    """A store in a DuckDB file, or in memory, with entries as rows that SQL can query.

    DuckDB is designed for large queries. A put or a get takes milliseconds, but a batch of hundreds takes
    little longer, and the concurrent operations of many tasks share a statement. A file can be used by one
    process at a time, with any number of stores and connections. Other processes, including forked children,
    get a `StoreConnectionError`.

    The value is a JSON column. It supports NaN and infinities, as text that other JSON parsers may reject,
    but no lone surrogates, which raise `SerializationError`. The first write creates the file, which is
    accessible to its owner only; reads create nothing. Expired entries stay in the file until `cull`.
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
        """Initialize with a path or an open connection; a path is opened on first use.

        Args:
            connection: Connection to use instead of a path. The store works on a cursor of it, in separate
                transactions and the database's default schema, and does not close it.
            database_path: Path of the file, where `~` is the home directory. `:memory:` or None keeps all
                entries in memory until the store is closed.
            table_name: Table name of letters, digits and underscores.
            default_collection: Collection used when a call does not name one.
            seed: Initial entries as `{collection: {key: value}}`; existing entries are not overwritten.
            auto_create: Whether to create the file and the table; otherwise a missing one raises
                `StoreSetupError`.

        Raises:
            ValueError: Both a connection and a path are given, the path is a URL, or the table name is not a
                plain SQL identifier.
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
            message = f"{self!r} is in use: DuckDB allows one process at a time per database: {error}"
            return StoreConnectionError(message=message)
        return mapped

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        if row.has_lone_surrogate:
            raise SerializationError(message="DuckDB cannot store a lone surrogate in JSON")
        return row


def _path(path: Path | str | None) -> str:
    return MEMORY if path is None or str(path) == MEMORY else str(absolute(path))
