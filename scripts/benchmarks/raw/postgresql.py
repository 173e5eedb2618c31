"""PostgreSQL through asyncpg: a default pool, and one statement for many keys."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- it has none

from scripts.benchmarks.raw.document import dump, load

CREATE = "CREATE TABLE IF NOT EXISTS raw_store (key TEXT PRIMARY KEY, text JSON NOT NULL)"
PUT = "INSERT INTO raw_store VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET text = excluded.text"
PUT_MANY = (
    "INSERT INTO raw_store SELECT k, t::json FROM unnest($1::text[], $2::text[]) AS r (k, t) "
    "ON CONFLICT (key) DO UPDATE SET text = excluded.text"
)


class Raw:
    def __init__(self, place: str) -> None:
        self._place = place
        self._opened: Any = None

    async def _pool(self) -> Any:
        if self._opened is None:
            self._opened = await cast("Any", asyncpg).create_pool(self._place)
            await self._opened.execute(CREATE)
        return self._opened

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await (await self._pool()).execute(PUT, key, dump(value, ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(await (await self._pool()).fetchval("SELECT text FROM raw_store WHERE key = $1", key))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        await (await self._pool()).execute(PUT_MANY, list(keys), [dump(value, ttl) for value in values])

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        rows = await (await self._pool()).fetch(
            "SELECT key, text FROM raw_store WHERE key = ANY($1::text[])", list(keys)
        )
        found = dict(map(tuple, rows))
        return [load(found.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        tag = await (await self._pool()).execute(
            "DELETE FROM raw_store WHERE key = ANY($1::text[])", list(keys)
        )
        return int(tag.rpartition(" ")[2])
