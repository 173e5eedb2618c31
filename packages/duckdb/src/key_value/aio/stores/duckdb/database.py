"""A DuckDB database whose file and table are made when something is first written."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from key_value.aio.stores.duckdb import files, statements
from key_value.aio.stores.duckdb.driver import duckdb, is_hindrance

MEMORY = ":memory:"

ATTEMPTS = 50
"""How often something is tried that other connections of this process hinder."""

Source: TypeAlias = "str | duckdb.DuckDBPyConnection"
"""A file, `:memory:`, or a connection that someone else opened."""


class Database:
    """A connection to one database, for one table; it belongs to one thread."""

    def __init__(self, source: Source, *, table: str, auto_create: bool) -> None:
        """Say where it is; nothing is opened yet.

        Args:
            source: The database.
            table: The name of the table.
            auto_create: Whether to make what is missing of it.
        """
        self._path = Path(source) if isinstance(source, str) and source != MEMORY else None
        self._source = source
        self._table = table
        self._auto_create = auto_create
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._found = False
        self._is_prepared = False

    def has_table(self) -> bool:
        """Whether there is a table; to look for a file makes none."""
        if not self._found and (self._connection or self._path is None or self._path.exists()):
            self._found = bool(self._execute(statements.HAS_TABLE, [self._table]))
        return self._found

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def ask(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query finds; none where there is no table yet."""
        return self._execute(query, parameters) if self.has_table() else []

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Change what is stored, and return the rows that the statement does; none without a table."""
        return self._write(statement, parameters) if self.has_table() else []

    def store(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Change what is stored, in a table that is made where there is none."""
        if not self._is_prepared:
            self._prepare()
        return self.change(statement, parameters)

    def _write(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        # What opens a database removes an empty log.
        self._connect()
        if self._path is not None:
            files.make_log(self._path)
        return self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement, again where another connection of this process was in its way."""
        statement = statements.for_table(statement, self._table)
        connection = self._connect()
        for attempt in range(1, ATTEMPTS):
            try:
                return connection.execute(statement, parameters).fetchall()
            except duckdb.Error as error:
                if not is_hindrance(error):
                    raise
                time.sleep(0.001 * attempt)
        return connection.execute(statement, parameters).fetchall()

    def _prepare(self) -> None:
        """Make what is missing of the file, the table and its index."""
        if self._auto_create:
            if self._path is not None and not self._path.exists():
                files.make(self._path)
            self._write(statements.SCHEMA)
        self._is_prepared = True

    def _connect(self) -> "duckdb.DuckDBPyConnection":
        if self._connection is None:
            if isinstance(self._source, str):
                self._connection = duckdb.connect(self._source)
            else:
                # A connection is for one thread at a time, and this one is its owner's.
                self._connection = self._source.cursor()
            if self._path is not None:
                files.sweep(self._path)
        return self._connection
