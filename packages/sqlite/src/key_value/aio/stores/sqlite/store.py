"""A store in a SQLite file."""

import sqlite3
from functools import partial
from pathlib import Path

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import BaseKeyValueError
from key_value.aio.stores.base import SEED_DATA_TYPE
from key_value.aio.stores.base.driver_errors import sqlite_error
from key_value.aio.stores.base.table_store import TableStore
from key_value.aio.stores.sqlite.database import MEMORY, Database, Durability
from key_value.aio.stores.sqlite.statements import TABLE


class SQLiteStore(TableStore):
    """A store in a SQLite file: durable, without a server, shared by any number of processes on one machine.

    Each batch is one transaction, and what several tasks ask for at once is another. SQLite runs in a thread
    of the store's own, so the event loop never waits for the disk. The file is made, for its owner alone, by
    the first write; reading creates nothing. Expired entries stay in it until `cull`.
    """

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
            default_collection: The collection used where none is named.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            timeout: Seconds to wait for another process that is writing.
            durability: `normal` survives the end of the process at any moment, `full` also the loss of power,
                for an fsync with each transaction: https://www.sqlite.org/pragma.html#pragma_synchronous

        Raises:
            ValueError: `durability` is neither.
        """
        if durability not in ("normal", "full"):
            raise ValueError(f"durability must be 'normal' or 'full', not {durability!r}")
        self.path = MEMORY if str(path) == MEMORY else str(Path(path).expanduser())
        super().__init__(
            partial(Database, self.path, timeout=timeout, durability=durability),
            table_name=TABLE,
            auto_create=True,
            default_collection=default_collection,
            seed=seed,
        )

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        if not isinstance(error, sqlite3.Error):
            return None
        return sqlite_error(error, {"store": type(self).__name__, "path": self.path})
