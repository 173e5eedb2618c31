"""One table of one database, on the event loop's thread."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.raw.document import dump, load

PUT = "INSERT OR REPLACE INTO entries VALUES (?, ?)"


class Raw:
    def __init__(self, place: str) -> None:
        self._db = sqlite3.connect(Path(place) / "raw.sqlite3", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("CREATE TABLE entries (key TEXT PRIMARY KEY, text TEXT)")

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._db.execute(PUT, (key, dump(value, ttl)))

    async def get(self, key: str) -> dict[str, Any] | None:
        row = self._db.execute("SELECT text FROM entries WHERE key = ?", (key,)).fetchone()
        return load(row[0] if row else None)

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        texts = [dump(value, ttl) for value in values]
        self._db.execute("BEGIN")
        self._db.executemany(PUT, zip(keys, texts, strict=True))
        self._db.execute("COMMIT")

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        marks = ", ".join("?" * len(keys))
        select = f"SELECT key, text FROM entries WHERE key IN ({marks})"  # noqa: S608 -- marks alone
        found = dict(self._db.execute(select, keys).fetchall())
        return [load(found.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return self._db.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])
