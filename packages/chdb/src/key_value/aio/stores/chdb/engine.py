"""chDB's engine, of which a process has one, and a table in it that is created by the first write."""

import json
import re
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from uuid import uuid4

from key_value.aio.errors import StoreConnectionError
from key_value.aio.stores.base import make_directory
from key_value.aio.stores.chdb.driver import Session, open_session

MEMORY = ":memory:"

SCHEMA = """
CREATE TABLE IF NOT EXISTS {table} (
    collection String,
    key String,
    value String,
    created_at String,
    expires_at String,
    version Int32,
    inserted_at DateTime64(9, 'UTC') DEFAULT now64(9)
) ENGINE = ReplacingMergeTree(inserted_at) ORDER BY (collection, key)
"""
EXISTS = "EXISTS TABLE {table}"
NEWEST = "SELECT toUnixTimestamp64Nano(max(inserted_at)) FROM {table}"

_PART = re.compile(r"\{(\w+)\}")

Source: TypeAlias = str | Session
"""A directory, `:memory:`, or a session of the caller's."""


class Engine:
    """A session and one table of it, which one thread uses."""

    using: ClassVar = threading.RLock()
    """Held for statements that belong together: sessions on one path see the same tables."""

    _newest: ClassVar = 0
    """The `inserted_at` of the newest row, in nanoseconds since 1970."""

    def __init__(self, source: Source, *, table: str) -> None:
        """State where the table is; nothing is opened yet.

        Args:
            source: The session.
            table: The name of the table.
        """
        self._source = source
        self._path = Path(source) if isinstance(source, str) and source != MEMORY else None
        # All sessions in memory see the same tables: each store has a database of its own there.
        self._database = f"`memory_{uuid4().hex}`" if source == MEMORY else None
        self._table = f"{self._database}.`{table}`" if self._database else f"`{table}`"
        self._session: Session | None = None
        self._found = False

    def has_table(self) -> bool:
        """Return whether there is a table; nothing is created."""
        if not self._found and self._may_have_table() and self._run(EXISTS) == [[1]]:
            self._found = True
            [[newest]] = self._run(NEWEST)
            Engine._newest = max(Engine._newest, int(newest))
        return self._found

    def close(self) -> None:
        """End the session, unless it is the caller's."""
        session, self._session = self._session, None
        if session is None or session is self._source:
            return
        with self.using:
            if self._database:
                session.query(f"DROP DATABASE IF EXISTS {self._database} SYNC")
            session.close()

    def read(self, statement: str, **parts: str) -> list[list[Any]]:
        """Return the rows that a query finds; none if there is no table yet."""
        return self._run(statement, **parts) if self.has_table() else []

    def change(self, statement: str, **parts: str) -> None:
        """Change what is stored, if there is a table yet."""
        if self.has_table():
            self._run(statement, **parts)

    def store(self, statement: str, **parts: str) -> None:
        """Change what is stored, in a table that is created if it is missing."""
        if not self.has_table():
            self._create_table()
        self._run(statement, **parts)

    def stamp(self) -> str:
        """Return a time to insert rows at: later than every one before, even if the clock was set back."""
        with self.using:
            self.has_table()
            Engine._newest = max(time.time_ns(), Engine._newest + 1)
            seconds, nanoseconds = divmod(Engine._newest, 1_000_000_000)
        return f"{seconds}.{nanoseconds:09}"

    def _may_have_table(self) -> bool:
        """Return whether a table can be there; to open a path where nothing is would create a database."""
        if self._path is not None and self._session is None:
            return (self._path / "metadata").exists()
        return self._source != MEMORY or self._session is not None

    def _create_table(self) -> None:
        if self._path is not None:
            # chDB creates files as the umask says, but only their owner can enter the directory.
            make_directory(self._path)
        if self._database:
            self._run(f"CREATE DATABASE IF NOT EXISTS {self._database}")
        self._run(SCHEMA)
        self.has_table()

    def _run(self, statement: str, **parts: str) -> list[list[Any]]:
        parts["table"] = self._table
        sql = _PART.sub(lambda found: parts[found[1]], statement)
        with self.using:
            if self._session is None:
                self._session = open_session(self._source) if isinstance(self._source, str) else self._source
            try:
                found = self._session.query(sql, "JSONCompactEachRow").bytes()
            except AttributeError as error:
                # What a session says that was closed.
                raise StoreConnectionError(message="The chDB session is closed") from error
        # Line by line: to copy many megabytes at once would hold up the event loop, even from this thread.
        return [json.loads(line) for line in BytesIO(found)]
