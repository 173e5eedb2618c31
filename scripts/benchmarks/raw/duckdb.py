"""One table of one database, a batch in one statement, on the event loop's thread."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from scripts.benchmarks.raw.document import dump, load

PUT = "INSERT OR REPLACE INTO entries SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[])::JSON"
GET_MANY = "SELECT key, text FROM entries WHERE key IN (SELECT unnest($1::VARCHAR[]))"


class Raw:
    def __init__(self, place: str) -> None:
        self._db = duckdb.connect(Path(place) / "raw.db")
        self._db.execute("CREATE TABLE entries (key VARCHAR PRIMARY KEY, text JSON)")

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, dump(value, ttl)))

    async def get(self, key: str) -> dict[str, Any] | None:
        row = self._db.execute("SELECT text FROM entries WHERE key = ?", (key,)).fetchone()
        return load(row[0] if row else None)

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        self._db.execute(PUT, (list(keys), [dump(value, ttl) for value in values]))

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        found: dict[str, str] = dict(self._db.execute(GET_MANY, (list(keys),)).fetchall())
        return [load(found.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        delete = "DELETE FROM entries WHERE key IN (SELECT unnest($1::VARCHAR[]))"
        row = self._db.execute(delete, (list(keys),)).fetchone()
        return row[0] if row else 0
