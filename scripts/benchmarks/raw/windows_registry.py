"""One key of the registry, on the event loop's own thread."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.benchmarks.raw.document import dump, load


class Raw:
    def __init__(self, place: str) -> None:
        self._winreg: Any = importlib.import_module("winreg")
        self._key = self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, place)

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._winreg.SetValueEx(self._key, key, 0, self._winreg.REG_SZ, dump(value, ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        try:
            text, _ = self._winreg.QueryValueEx(self._key, key)
        except FileNotFoundError:
            return None
        return load(text)

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        for key, value in zip(keys, values, strict=True):
            await self.put(key, value, ttl=ttl)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [await self.get(key) for key in keys]

    async def delete(self, key: str) -> bool:
        try:
            self._winreg.DeleteValue(self._key, key)
        except FileNotFoundError:
            return False
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])
