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
    """A store in a SQLite file: durable, without a server, shared by any number of processes on one machine.

    Each batch is one transaction, and what several tasks want at once is another. SQLite runs in a thread of
    the store's own, so the event loop never waits for the disk. The file is created, for its owner alone, by
    the first write; reading creates nothing.
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
        """Name a file; nothing is opened before it is used.

        Args:
            path: The file, `~` for the home directory; `:memory:` keeps everything in memory until the store
                is closed.
            default_collection: The collection used when a call names none.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            timeout: Seconds to wait for another process that is writing.
            durability: `normal` survives the end of the process at any moment, `full` also the loss of power,
                for an fsync with each transaction: https://www.sqlite.org/pragma.html#pragma_synchronous

        Raises:
            ValueError: `durability` is neither, or `path` is a URL.
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
