"""One cache of diskcache, on the event loop's own thread; many keys in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from diskcache import Cache  # pyright: ignore[reportMissingTypeStubs] -- it has none

from scripts.benchmarks.raw.document import dump, load


class Raw:
    def __init__(self, place: str) -> None:
        self._cache: Any = Cache(place, eviction_policy="none")

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._cache.set(key, dump(value, ttl, key=key), expire=ttl)

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(self._cache.get(key))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        with self._cache.transact():
            for key, value in zip(keys, values, strict=True):
                await self.put(key, value, ttl=ttl)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [load(self._cache.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return self._cache.delete(key)

    async def delete_many(self, keys: Sequence[str]) -> int:
        with self._cache.transact():
            return sum([await self.delete(key) for key in keys])
