"""Valkey through valkey-glide: one command per call, and its own multi-key commands."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from glide import (
    Batch,
    ExpirySet,
    ExpiryType,
    GlideClient,
    GlideClientConfiguration,
    NodeAddress,
)

from scripts.benchmarks.raw.document import dump, load

COLLECTION = "benchmark-raw"


class Raw:
    def __init__(self, place: str) -> None:
        at = urlsplit(place)
        self._config = GlideClientConfiguration([NodeAddress(at.hostname or "", at.port or 6379)])
        self._opened: Any = None

    async def _client(self) -> Any:
        if self._opened is None:
            self._opened = await GlideClient.create(self._config)
        return self._opened

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None:
        await (await self._client()).set(_name(key), _text(key, value, ttl), expiry=_expiry(ttl))

    async def get(self, key: str) -> dict[str, Any] | None:
        return load(await (await self._client()).get(_name(key)))

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None:
        texts = {_name(key): _text(key, value, ttl) for key, value in zip(keys, values, strict=True)}
        if ttl is None:
            await (await self._client()).mset(texts)
            return
        batch = Batch(is_atomic=False)
        for name, text in texts.items():
            batch.set(name, text, expiry=_expiry(ttl))
        await (await self._client()).exec(batch, raise_on_error=True)

    async def get_many(self, keys: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await (await self._client()).mget([_name(key) for key in keys])
        return [load(text) for text in found]

    async def delete(self, key: str) -> bool:
        return await (await self._client()).delete([_name(key)]) > 0

    async def delete_many(self, keys: Sequence[str]) -> int:
        return await (await self._client()).delete([_name(key) for key in keys])


def _name(key: str) -> str:
    return f"{COLLECTION}::{key}"


def _text(key: str, value: Mapping[str, Any], ttl: float | None) -> str:
    return dump(value, ttl, collection=COLLECTION, key=key)


def _expiry(ttl: float | None) -> ExpirySet | None:
    return None if ttl is None else ExpirySet(ExpiryType.MILLSEC, round(ttl * 1000))
