"""One table of one session, a batch in one statement, on the event loop's thread."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from chdb import session

from scripts.benchmarks.raw.document import dump, load

TABLE = """
CREATE TABLE entries (key String, text String, at DateTime64(9) DEFAULT now64(9))
ENGINE = ReplacingMergeTree(at) ORDER BY key
"""
PUT = "INSERT INTO entries (key, text) FORMAT JSONCompactEachRow "
GET = "SELECT key, text FROM entries FINAL PREWHERE key IN (KEYS)"
DELETE = "DELETE FROM entries WHERE key IN (KEYS)"


class Result(Protocol):
    def bytes(self) -> "bytes": ...


class Session(Protocol):
    def query(self, sql: str, fmt: str = "CSV") -> Result: ...


class Raw:
    def __init__(self, place: str) -> None:
        self._session = cast("Session", session.Session(str(Path(place) / "raw")))
        self._session.query(TABLE)

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self.put_many([key], [value], ttl=ttl)

    async def get(self, key: str) -> dict[str, Any] | None:
        return (await self.get_many([key]))[0]

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        rows = [json.dumps([key, dump(value, ttl)]) for key, value in zip(keys, values, strict=True)]
        self._session.query(PUT + "\n".join(rows))

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        lines = self._session.query(_for(GET, keys), "JSONCompactEachRow").bytes().splitlines()
        found: dict[str, str] = dict(json.loads(line) for line in lines)
        return [load(found.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        found = await self.get_many(keys)
        self._session.query(_for(DELETE, keys))
        return len(found) - found.count(None)


def _for(statement: str, keys: Sequence[str]) -> str:
    return statement.replace("KEYS", ", ".join(f"'{key}'" for key in keys))
