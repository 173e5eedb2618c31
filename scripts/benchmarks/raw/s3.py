"""S3 through aiobotocore: one request per call, and sixteen at a time for many keys."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from scripts.benchmarks.raw.document import dump, load

BUCKET = "benchmark-raw"
AT_ONCE = 16

T = TypeVar("T")


class Raw:
    def __init__(self, place: str) -> None:
        self._arguments: dict[str, Any] = {
            "endpoint_url": place,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "testsecret",
            "config": AioConfig(max_pool_connections=AT_ONCE),
        }
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: Any = None

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is None:
                client: Any = AioSession().create_client("s3", **self._arguments)
                opened = await self._open.enter_async_context(client)
                await opened.create_bucket(Bucket=BUCKET)
                self._opened = opened
        return self._opened

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        client = await self._client()
        await client.put_object(
            Bucket=BUCKET, Key=key, Body=dump(value, ttl).encode(), ContentType="application/json"
        )

    async def get(self, key: str) -> dict[str, Any] | None:
        client = await self._client()
        try:
            reply = await client.get_object(Bucket=BUCKET, Key=key)
        except client.exceptions.NoSuchKey:
            return None
        async with reply["Body"] as body:
            return load((await body.read()).decode())

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        items = zip(keys, values, strict=True)
        await _all([partial(self.put, key, value, ttl=ttl) for key, value in items])

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        return await _all([partial(self.get, key) for key in keys])

    async def delete(self, key: str) -> bool:
        await (await self._client()).delete_object(Bucket=BUCKET, Key=key)
        return True

    async def delete_many(self, keys: Sequence[str]) -> int:
        client = await self._client()
        await client.delete_objects(
            Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        return len(keys)


async def _all(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    places = asyncio.Semaphore(AT_ONCE)

    async def run(call: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await call()

    return await asyncio.gather(*(run(call) for call in calls))
