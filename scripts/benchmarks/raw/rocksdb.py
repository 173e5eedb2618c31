"""One database, on the event loop's thread."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rocksdict import Options, Rdict, WriteBatch

from scripts.benchmarks.raw.document import dump, load


class Raw:
    def __init__(self, place: str) -> None:
        self._db = Rdict(str(Path(place) / "raw"), Options())

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._db[key] = dump(value, ttl, key=key, collection="default_collection").encode()

    async def get(self, key: str) -> dict[str, Any] | None:
        data: bytes | None = self._db.get(key)
        return load(None if data is None else data.decode())

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        batch = WriteBatch()
        for key, value in zip(keys, values, strict=True):
            batch[key] = dump(value, ttl, key=key, collection="default_collection").encode()
        self._db.write(batch)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        found = cast("list[bytes | None]", self._db.get([*keys]))
        return [load(None if data is None else data.decode()) for data in found]

    async def delete(self, key: str) -> bool:
        found = key in self._db
        del self._db[key]
        return found

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])
