"""The chDB engine, one per process, and a table in it that the first write creates."""

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
"""A directory, `:memory:`, or a session of the caller."""


class Engine:
    """A session and one of its tables, used by one thread."""

    using: ClassVar = threading.RLock()
    """Held during statements that belong together, because sessions on one path share their tables."""

    _newest: ClassVar = 0
    """The `inserted_at` of the newest row, as a Unix time in nanoseconds."""

    def __init__(self, source: Source, *, table: str) -> None:
        """Initialize with a session, without opening it.

        Args:
            source: The session.
            table: Table name.
        """
        self._source = source
        self._path = Path(source) if isinstance(source, str) and source != MEMORY else None
        # All in-memory sessions share their tables, so each store has a separate database.
        self._database = f"`memory_{uuid4().hex}`" if source == MEMORY else None
        self._table = f"{self._database}.`{table}`" if self._database else f"`{table}`"
        self._session: Session | None = None
        self._found = False

    def has_table(self) -> bool:
        """Return whether the table exists, without creating it."""
        if not self._found and self._may_have_table() and self._run(EXISTS) == [[1]]:
            self._found = True
            [[newest]] = self._run(NEWEST)
            Engine._newest = max(Engine._newest, int(newest))
        return self._found

    def close(self) -> None:
        """End the session, unless it belongs to the caller."""
        session, self._session = self._session, None
        if session is None or session is self._source:
            return
        with self.using:
            if self._database:
                session.query(f"DROP DATABASE IF EXISTS {self._database} SYNC")
            session.close()

    def read(self, statement: str, **parts: str) -> list[list[Any]]:
        """Return the rows of a query; no rows if the table does not exist yet."""
        return self._run(statement, **parts) if self.has_table() else []

    def change(self, statement: str, **parts: str) -> None:
        """Run a statement that changes rows, if the table exists."""
        if self.has_table():
            self._run(statement, **parts)

    def store(self, statement: str, **parts: str) -> None:
        """Run a statement that changes rows, in a table that is created if it is missing."""
        if not self.has_table():
            self._create_table()
        self._run(statement, **parts)

    def stamp(self) -> str:
        """Return the time to insert rows with, later than all previous ones even if the clock went back."""
        with self.using:
            self.has_table()
            Engine._newest = max(time.time_ns(), Engine._newest + 1)
            seconds, nanoseconds = divmod(Engine._newest, 1_000_000_000)
        return f"{seconds}.{nanoseconds:09}"

    def _may_have_table(self) -> bool:
        """Return whether the table may exist, without opening an empty path: that would create a database."""
        if self._path is not None and self._session is None:
            return (self._path / "metadata").exists()
        return self._source != MEMORY or self._session is not None

    def _create_table(self) -> None:
        if self._path is not None:
            # chDB creates files according to the umask, but only their owner can enter the directory.
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
                # Raised by a closed session.
                raise StoreConnectionError(message="The chDB session is closed") from error
        # Line by line, because copying many megabytes at once would block the event loop, even from a thread.
        return [json.loads(line) for line in BytesIO(found)]
