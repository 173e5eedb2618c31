"""A store in a DuckDB database."""

from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.errors import BaseKeyValueError, SerializationError
from key_value.aio.stores.base import SEED_DATA_TYPE
from key_value.aio.stores.base.encoding import has_lone_surrogate
from key_value.aio.stores.base.joint import JointBench
from key_value.aio.stores.base.table import Row
from key_value.aio.stores.base.table_store import TableStore
from key_value.aio.stores.duckdb.database import MEMORY, Source
from key_value.aio.stores.duckdb.driver import meaning
from key_value.aio.stores.duckdb.serialization import DuckDBSerializationAdapter
from key_value.aio.stores.duckdb.table import DuckDBTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["DuckDBSerializationAdapter", "DuckDBStore"]


class DuckDBStore(TableStore):
    """A store in a DuckDB file, or in memory: every entry is a row that SQL can query.

    DuckDB is made for large queries. A put or a get costs milliseconds, and hundreds in one batch little
    more; so do those of many tasks at once, which share a statement. One process at a time can use a file,
    with any number of stores and connections; another is told so by `StoreConnectionError`.

    The value is a JSON column. It holds NaN and infinities, as text that other readers of JSON may refuse,
    but no lone surrogates: those are a `SerializationError`. The file is made, for its owner alone, by the
    first write; reading creates nothing. Expired entries stay in it until `cull`.
    """

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
            default_collection: The collection used where none is named.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            auto_create: Whether to make the table, and the file, where they are missing; otherwise that is a
                `StoreSetupError`.

        Raises:
            ValueError: Both a connection and a path are given, or the table's name is none.
        """
        if connection is not None and database_path is not None:
            raise ValueError("Provide only one of connection or database_path")
        source: Source = _path(database_path) if connection is None else connection
        self.path = source if isinstance(source, str) else None
        super().__init__(
            lambda: JointBench(
                DuckDBTable(source, name=table_name, auto_create=auto_create), lambda table: table.close()
            ),
            table_name=table_name,
            auto_create=auto_create,
            default_collection=default_collection,
            seed=seed,
        )

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        return meaning(error)

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        _, _, text, _, _ = row
        if has_lone_surrogate(text):
            raise SerializationError(message="DuckDB cannot hold half of a surrogate pair in JSON")
        return row


def _path(path: Path | str | None) -> str:
    return MEMORY if path is None or str(path) == MEMORY else str(Path(path).expanduser())
