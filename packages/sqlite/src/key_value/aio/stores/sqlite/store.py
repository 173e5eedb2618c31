"""A store in a SQLite file."""

import sqlite3
from functools import partial
from pathlib import Path
from typing import Literal

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, StoreConnectionError
from key_value.aio.stores.base import (
    SEED_DATA_TYPE,
    TableStore,
    Worker,
    absolute,
    sqlite_error,
    warns_on_wrong_types,
)
from key_value.aio.stores.sqlite.table import MEMORY, SQLiteTable

Durability = Literal["normal", "full"]


class SQLiteStore(TableStore):
    """A store in a SQLite file: durable, serverless, shared by any number of processes on one machine.

    Each batch is one transaction, and so are the concurrent operations of several tasks. SQLite runs in a
    separate thread, so the event loop never waits for the disk. The first write creates the file, which is
    accessible to its owner only; reads create nothing.
    """

    errors = ((OSError, StoreConnectionError),)
    url_parts = (("path", "path"),)

    @warns_on_wrong_types
    def __init__(
        self,
        path: Path | str,
        *,
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
        timeout: float = 5.0,
        durability: Durability = "normal",
    ) -> None:
        """Initialize with the path of a file, which is opened on first use.

        Args:
            path: Path of the file, where `~` is the home directory. `:memory:` keeps all entries in memory
                until the store is closed.
            default_collection: Collection used when a call does not name one.
            seed: Initial entries as `{collection: {key: value}}`; existing entries are not overwritten.
            timeout: Maximum time to wait for another process that is writing, in seconds.
            durability: `normal` survives the end of the process at any moment. `full` also survives a power
                loss, with one fsync per transaction: https://www.sqlite.org/pragma.html#pragma_synchronous

        Raises:
            ValueError: `durability` has another value, or `path` is a URL.
        """
        if durability not in ("normal", "full"):
            raise ValueError(f"durability must be 'normal' or 'full', not {durability!r}")
        self.path = self.location = MEMORY if str(path) == MEMORY else str(absolute(path))
        open_table = partial(SQLiteTable, self.path, timeout=timeout, durability=durability)
        super().__init__(
            Worker(repr(self), open_table, close=SQLiteTable.close, transaction=SQLiteTable.transaction),
            table_name="kv_entries",
            auto_create=True,
            default_collection=default_collection,
            seed=seed,
        )

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, sqlite3.Error):
            return sqlite_error(repr(self), error)
        return super()._map_error(error)
