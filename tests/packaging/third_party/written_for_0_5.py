"""Stores and wrappers as third parties wrote them for 0.5, when a TTL was a number of seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from typing_extensions import override

from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.stores.base import BaseStore, ManagedEntry
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.retry import RetryWrapper


class PlainStore:
    """A store that inherits nothing."""

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        raise NotImplementedError

    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        raise NotImplementedError

    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        raise NotImplementedError

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        raise NotImplementedError

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        raise NotImplementedError

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        raise NotImplementedError

    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        raise NotImplementedError

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        raise NotImplementedError


class HookedStore(BaseStore):
    """A store that implements the three hooks."""

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        return None

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        raise NotImplementedError

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return False


class CountingWrapper(BaseWrapper):
    """A wrapper that overrides operations with a TTL."""

    def __init__(self, key_value: AsyncKeyValue) -> None:
        self.key_value = key_value
        self.puts = 0
        super().__init__()

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        self.puts += 1
        await self.key_value.put(key, value, collection=collection, ttl=ttl)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        self.puts += len(keys)
        await super().put_many(keys, values, collection=collection, ttl=ttl)


STORES: list[AsyncKeyValue] = [
    PlainStore(),
    HookedStore(),
    CountingWrapper(PlainStore()),
    RetryWrapper(CountingWrapper(HookedStore())),
]
