"""A store in chDB, the in-process ClickHouse engine."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, StoreConnectionError
from key_value.aio.stores.base import SEED_DATA_TYPE, TableStore, Worker, absolute, warns_on_wrong_types
from key_value.aio.stores.chdb import driver
from key_value.aio.stores.chdb.engine import MEMORY, Source
from key_value.aio.stores.chdb.table import ChDBTable

if TYPE_CHECKING:
    from chdb.session import Session


class ChDBStore(TableStore):
    """A store in a chDB directory, or in memory, with entries as rows that ClickHouse SQL can query.

    chDB is designed for large queries and for few, large writes. Every statement takes milliseconds, so a
    batch is one statement, and so are the concurrent operations of many tasks. The driver takes half a
    gigabyte on disk, hundreds of megabytes of memory, and a second or more to load on first use.

    A process has one engine. Stores and sessions on the same path share it. While it is in use, another path,
    or another process on the same path, raises `StoreConnectionError`. In-memory stores are isolated from
    each other, but count as one path. The first write creates the directory, which is accessible to its
    owner only; reads create nothing.
    """

    errors = ((OSError, StoreConnectionError),)
    url_parts = (("path", "database_path"),)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        session: "Session | None" = None,
        database_path: Path | str | None = None,
        table_name: str = "kv_entries",
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
        auto_create: bool = True,
    ) -> None:
        """Initialize with a path or an open session; a path is opened on first use.

        Args:
            session: Open session to use instead of a path. The store does not close it.
            database_path: Directory, where `~` is the home directory. `:memory:` or None keeps all entries in
                memory until the store is closed.
            table_name: Table name of letters, digits and underscores.
            default_collection: Collection used when a call does not name one.
            seed: Initial entries as `{collection: {key: value}}`; existing entries are not overwritten.
            auto_create: Whether to create the directory and the table; otherwise a missing one raises
                `StoreSetupError`.

        Raises:
            ValueError: Both a session and a path are given, the table name is not a plain SQL identifier, or
                the path is a URL or contains a question mark, after which chDB expects options.
        """
        if session is not None and database_path is not None:
            raise ValueError("Provide only one of session or database_path")
        source: Source = _path(database_path) if session is None else cast("driver.Session", session)
        self.path = source if isinstance(source, str) else None
        self.location = self.path or ""
        super().__init__(
            Worker(
                repr(self),
                lambda: ChDBTable(source, name=table_name),
                close=lambda table: table.close(),
                forks=False,
            ),
            table_name=table_name,
            auto_create=auto_create,
            default_collection=default_collection,
            seed=seed,
        )

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        return driver.map_error(repr(self), error) or super()._map_error(error)


def _path(path: Path | str | None) -> str:
    if path is None or str(path) == MEMORY:
        return MEMORY
    if "?" in str(path):
        raise ValueError(f"database_path must not contain a question mark: {path}")
    # The engine compares paths as text.
    return str(absolute(path).resolve())
