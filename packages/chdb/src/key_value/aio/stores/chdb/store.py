"""A store in chDB, the ClickHouse engine inside the process."""

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
    """A store in a chDB directory, or in memory: every entry is a row that ClickHouse's SQL can query.

    chDB is made for large queries and few, large writes. Any statement costs milliseconds; so a batch is one,
    and what many tasks ask for at once is one too. The driver takes half a gigabyte on disk, hundreds of
    megabytes of memory, and a second or more to load, at the first use of a store.

    A process has one engine. Stores and sessions on the same path share it; while it is in use, another path,
    or another process on the same path, is refused with `StoreConnectionError`. Stores in memory see nothing
    of each other, but count as one path. The directory is made, for its owner alone, by the first write;
    reading creates nothing.
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
        """Name a database; nothing is opened before it is used.

        Args:
            session: An open session to use in place of a path; the store leaves it open.
            database_path: The directory, `~` for the home directory; `:memory:` or None keeps everything in
                memory until the store is closed.
            table_name: The table: letters, digits and underscores.
            default_collection: The collection used when a call names none.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            auto_create: Whether to create the table, and the directory, if they are missing; otherwise that
                is a `StoreSetupError`.

        Raises:
            ValueError: Both a session and a path are given, the table's name is not a plain SQL identifier,
                or the path is a URL or has a question mark, after which chDB expects options.
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
