"""One file per entry, synced to disk with its name before a put returns, on the event loop's thread."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.raw.document import dump, load


class Raw:
    def __init__(self, place: str) -> None:
        self._directory = Path(place)

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._write(key, dump(value, ttl))
        self._sync()

    async def get(self, key: str) -> dict[str, Any] | None:
        try:
            return load(self._path(key).read_text())
        except FileNotFoundError:
            return None

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        for key, value in zip(keys, values, strict=True):
            self._write(key, dump(value, ttl))
        self._sync()

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [await self.get(key) for key in keys]

    async def delete(self, key: str) -> bool:
        return await self.delete_many([key]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        there = [path for path in map(self._path, keys) if path.exists()]
        for path in there:
            path.unlink()
        self._sync()
        return len(there)

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.json"

    def _write(self, key: str, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._directory, delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._path(key))

    def _sync(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
