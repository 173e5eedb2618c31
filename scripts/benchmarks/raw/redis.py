"""Redis through redis-py: one command per call, and its own multi-key commands."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from scripts.benchmarks.raw.document import dump, load

COLLECTION = "benchmark-raw"


class Raw:
    def __init__(self, place: str) -> None:
        self._redis: Any = Redis.from_url(place, decode_responses=True)  # pyright: ignore[reportUnknownMemberType] -- redis-py's keyword arguments are untyped

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await self._redis.set(_name(key), _text(key, value, ttl), px=_milliseconds(ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(await self._redis.get(_name(key)))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        texts = {_name(key): _text(key, value, ttl) for key, value in zip(keys, values, strict=True)}
        if ttl is None:
            await self._redis.mset(texts)
            return
        pipeline = self._redis.pipeline(transaction=False)
        for name, text in texts.items():
            pipeline.set(name, text, px=_milliseconds(ttl))
        await pipeline.execute()

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [load(text) for text in await self._redis.mget([_name(key) for key in keys])]

    async def delete(self, key: str) -> bool:
        return await self._redis.delete(_name(key)) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        return await self._redis.delete(*[_name(key) for key in keys])


def _name(key: str) -> str:
    return f"{COLLECTION}::{key}"


def _text(key: str, value: Mapping[str, Any], ttl: float | None) -> str:
    return dump(value, ttl, collection=COLLECTION, key=key)


def _milliseconds(ttl: float | None) -> int | None:
    return None if ttl is None else round(ttl * 1000)
