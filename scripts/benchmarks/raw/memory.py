"""A dictionary of JSON texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks.raw.document import dump, load


class Raw:
    def __init__(self, _place: str) -> None:
        self._texts: dict[str, str] = {}

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._texts[key] = dump(value, ttl)

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(self._texts.get(key))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        for key, value in zip(keys, values, strict=True):
            self._texts[key] = dump(value, ttl)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [load(self._texts.get(key)) for key in keys]

    async def delete(self, key: str) -> bool:
        return self._texts.pop(key, None) is not None

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])
