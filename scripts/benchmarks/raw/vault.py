"""Vault through hvac: one request per key, in threads."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import hvac
from hvac.exceptions import InvalidPath

MOUNT = "secret"
THREADS = 8


class Raw:
    def __init__(self, place: str) -> None:
        at = urlsplit(place)
        client: Any = hvac.Client(url=f"http://{at.hostname}:{at.port}", token=at.password)
        self._kv = client.secrets.kv.v2
        self._threads = ThreadPoolExecutor(THREADS)

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        secret = {"value": json.dumps({"value": value, "ttl": ttl})}
        write = self._kv.create_or_update_secret
        await self._run(partial(write, _path(key), secret, mount_point=MOUNT))

    async def get(self, key: str) -> dict[str, Any] | None:
        return await self._run(partial(self._read, key))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        pairs = zip(keys, values, strict=True)
        await asyncio.gather(*(self.put(key, value, ttl=ttl) for key, value in pairs))

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return list(await asyncio.gather(*map(self.get, keys)))

    async def delete(self, key: str) -> bool:
        if await self.get(key) is None:
            return False
        await self._run(partial(self._kv.delete_metadata_and_all_versions, _path(key), mount_point=MOUNT))
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        return sum(await asyncio.gather(*map(self.delete, keys)))

    async def _run(self, call: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            found = self._kv.read_secret_version(
                _path(key), mount_point=MOUNT, raise_on_deleted_version=False
            )
        except InvalidPath:
            return None
        return json.loads(found["data"]["data"]["value"])["value"]


def _path(key: str) -> str:
    return f"benchmark-raw::{key}"
