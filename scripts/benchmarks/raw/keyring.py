"""One service of the active keyring, on the event loop's thread."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import keyring
from keyring.errors import PasswordDeleteError

from scripts.benchmarks.raw.document import dump, load


class Driver(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class Raw:
    def __init__(self, place: str) -> None:
        self._service = place
        self._keyring = cast("Driver", keyring.get_keyring())

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        self._keyring.set_password(self._service, key, dump(value, ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(self._keyring.get_password(self._service, key))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        for key, value in zip(keys, values, strict=True):
            await self.put(key, value, ttl=ttl)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return [await self.get(key) for key in keys]

    async def delete(self, key: str) -> bool:
        try:
            self._keyring.delete_password(self._service, key)
        except PasswordDeleteError:
            return False
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum([await self.delete(key) for key in keys])
