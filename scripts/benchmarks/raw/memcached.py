"""Memcached through aiomcache: one command per call, and its only multi-key command, a read."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiomcache import Client

from scripts.benchmarks.raw.document import dump, load

COLLECTION = "benchmark-raw"


class Raw:
    def __init__(self, place: str) -> None:
        self._at = urlsplit(place)
        self._opened: Client | None = None

    def _client(self) -> Client:
        if self._opened is None:
            self._opened = Client(self._at.hostname or "", self._at.port or 11211)
        return self._opened

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        text = dump(value, ttl, collection=COLLECTION, key=key)
        await self._client().set(_name(key), text.encode(), exptime=round(ttl or 0))

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(await self._client().get(_name(key)))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        for key, value in zip(keys, values, strict=True):
            await self.put(key, value, ttl=ttl)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [load(text) for text in await self._client().multi_get(*map(_name, keys))]

    async def delete(self, key: str) -> bool:
        return await self._client().delete(_name(key))

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])


def _name(key: str) -> bytes:
    return f"{COLLECTION}::{key}".encode()
