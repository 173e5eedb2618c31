"""A SQLite file that is made when something is first written to it."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from typing_extensions import override

from key_value.aio.stores.base.files import make_directory
from key_value.aio.stores.base.transactions import Transactions
from key_value.aio.stores.base.worker import Job

MEMORY = ":memory:"

Durability = Literal["normal", "full"]


class Database(Transactions[sqlite3.Connection]):
    """The connection to one file; it belongs to one thread."""

    def __init__(self, path: str, *, table: str, schema: str, timeout: float, durability: Durability) -> None:
        """Name a file; nothing is opened yet.

        Args:
            path: The file, or `:memory:`.
            table: The table without which there is nothing to read.
            schema: What makes it, where it is missing.
            timeout: Seconds to wait for another process that writes.
            durability: `normal` or `full`, SQLite's `synchronous`.
        """
        self._path = path
        self._table = table
        self._schema = schema
        self._timeout = timeout
        self._durability = durability
        self._file: sqlite3.Connection | None = None
        self._nothing: sqlite3.Connection | None = None
        self._is_made = False

    @override
    def open(self, jobs: Sequence[Job[sqlite3.Connection]], /) -> sqlite3.Connection:
        return self._writable() if any(job.writes for job in jobs) else self._readable()

    @override
    def begin(self, resource: sqlite3.Connection, /, *, writes: bool) -> None:
        resource.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    @override
    def commit(self, resource: sqlite3.Connection, /) -> None:
        resource.execute("COMMIT")

    @override
    def roll_back(self, resource: sqlite3.Connection, /) -> None:
        # SQLite has already rolled back after some errors, such as a full disk.
        if resource.in_transaction:
            resource.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        for connection in (self._file, self._nothing):
            if connection is not None:
                connection.close()

    def _readable(self) -> sqlite3.Connection:
        """A connection to the file, or to an empty database where nobody has written to it."""
        if self._file is None and self._path != MEMORY and Path(self._path).exists():
            connection = self._connect(self._path)
            if self._has_table(connection):
                self._file = connection
            else:
                connection.close()
        if self._file is not None:
            return self._file
        if self._nothing is None:
            self._nothing = self._connect(MEMORY)
            self._nothing.executescript(self._schema)
        return self._nothing

    def _writable(self) -> sqlite3.Connection:
        """A connection to the file, which is made where it is missing, readable by its owner alone."""
        if self._file is None:
            if self._path != MEMORY:
                make_directory(Path(self._path).parent)
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._file = self._connect(self._path)
        if not self._is_made:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.executescript(self._schema)
            self._is_made = True
        return self._file

    def _connect(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=self._timeout, isolation_level=None)
        with ExitStack() as stack:
            stack.callback(connection.close)
            connection.execute(f"PRAGMA synchronous = {self._durability.upper()}")
            stack.pop_all()
        return connection

    def _has_table(self, connection: sqlite3.Connection) -> bool:
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return connection.execute(query, (self._table,)).fetchone() is not None
