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
from key_value.aio.stores.sqlite.table import SQLiteTable

MEMORY = ":memory:"

Durability = Literal["normal", "full"]


class Database(Transactions[SQLiteTable]):
    """The table in one file; it belongs to one thread."""

    def __init__(self, path: str, *, timeout: float, durability: Durability) -> None:
        """Name a file; nothing is opened yet.

        Args:
            path: The file, or `:memory:`.
            timeout: Seconds to wait for another process that writes.
            durability: `normal` or `full`, SQLite's `synchronous`.
        """
        self._path = path
        self._timeout = timeout
        self._durability = durability
        self._table: SQLiteTable | None = None
        self._nothing: SQLiteTable | None = None
        self._is_made = False
        self._exit_stack = ExitStack()

    @override
    def open(self, jobs: Sequence[Job[SQLiteTable]], /) -> SQLiteTable:
        return self._writable() if any(job.writes for job in jobs) else self._readable()

    @override
    def begin(self, resource: SQLiteTable, /, *, writes: bool) -> None:
        resource.connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    @override
    def commit(self, resource: SQLiteTable, /) -> None:
        resource.connection.execute("COMMIT")

    @override
    def roll_back(self, resource: SQLiteTable, /) -> None:
        # SQLite has already rolled back after some errors, such as a full disk.
        if resource.connection.in_transaction:
            resource.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._exit_stack.close()

    def _readable(self) -> SQLiteTable:
        """The table of the file, or an empty one where nobody has written to it."""
        if self._table is None and self._path != MEMORY and Path(self._path).exists():
            with ExitStack() as stack:
                table = self._connect(self._path, stack)
                if table.exists():
                    self._table = table
                    self._exit_stack.push(stack.pop_all())
        if self._table is not None:
            return self._table
        if self._nothing is None:
            self._nothing = self._connect(MEMORY, self._exit_stack)
            self._nothing.make()
        return self._nothing

    def _writable(self) -> SQLiteTable:
        """The table of the file, both made where they are missing, readable by their owner alone."""
        if self._table is None:
            if self._path != MEMORY:
                make_directory(Path(self._path).parent)
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._table = self._connect(self._path, self._exit_stack)
        if not self._is_made:
            self._table.make()
            self._is_made = True
        return self._table

    def _connect(self, path: str, exit_stack: ExitStack) -> SQLiteTable:
        connection = sqlite3.connect(path, timeout=self._timeout, isolation_level=None)
        exit_stack.callback(connection.close)
        connection.execute(f"PRAGMA synchronous = {self._durability.upper()}")
        return SQLiteTable(connection)
