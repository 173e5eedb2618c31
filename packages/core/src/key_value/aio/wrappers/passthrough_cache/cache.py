"""Treat errors of a cache as misses."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.wrappers.base import UNREACHABLE
from key_value.aio.wrappers.passthrough_cache.expiries import Address, ValueAndTTL
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

T = TypeVar("T")

logger = logging.getLogger(__name__)

FAILURES = (BaseKeyValueError, *UNREACHABLE)

MAXIMUM_STALE = 100_000
"""Maximum number of entries to be removed from an unreachable cache; beyond it, writes fail as well."""


class Cache:
    """A store used as a cache: its errors are logged and count as misses."""

    def __init__(self, store: TTLClampWrapper) -> None:
        """Use a store as a cache.

        Args:
            store: Store to use.
        """
        self._store = store
        self._stale: set[Address] = set()

    async def get(self, address: Address) -> dict[str, Any] | None:
        """Return the cached value of an entry."""
        if self._stale and not await self._is_usable([address]):
            return None
        collection, key = address
        return await _attempt(partial(self._store.get, key, collection=collection), None)

    async def get_many(self, keys: Sequence[str], collection: str | None) -> Sequence[dict[str, Any] | None]:
        """Return the cached values of several entries of a collection."""
        nothing = [None] * len(keys)
        if self._stale and not await self._is_usable([(collection, key) for key in keys]):
            return nothing
        return await _attempt(partial(self._store.get_many, keys, collection=collection), nothing)

    async def fill(self, keys: Sequence[str], found: Sequence[ValueAndTTL], collection: str | None) -> None:
        """Cache the values that were read, each for its remaining seconds."""
        if self._stale and not await self._is_usable([(collection, key) for key in keys]):
            return
        lasting: dict[str, dict[str, Any]] = {}
        puts: list[Callable[[], Awaitable[None]]] = []
        for key, (value, seconds) in zip(keys, found, strict=True):
            if value is not None and seconds is None:
                lasting[key] = value
            elif value is not None and seconds is not None and seconds > 0:
                puts.append(partial(self._store.put, key, value, collection=collection, ttl=seconds))
        if lasting:
            puts.append(
                partial(self._store.put_many, list(lasting), list(lasting.values()), collection=collection)
            )
        await asyncio.gather(*(_attempt(put, None) for put in puts))

    async def drop(self, addresses: Sequence[Address]) -> None:
        """Remove entries of one collection. If they cannot be removed now, they are never read again.

        Raises:
            BaseKeyValueError: The cache fails, and too many entries are waiting to be removed.
        """
        collection = addresses[0][0]
        keys = [key for _, key in addresses]
        try:
            if len(keys) == 1:
                await self._store.delete(keys[0], collection=collection)
            else:
                await self._store.delete_many(keys, collection=collection)
        except FAILURES as error:
            more = sum(address not in self._stale for address in addresses)
            if len(self._stale) + more > MAXIMUM_STALE:
                raise
            logger.warning("The cache could not be invalidated: %r", error)
            self._stale.update(addresses)
        else:
            self._stale.difference_update(addresses)

    async def _is_usable(self, addresses: Sequence[Address]) -> bool:
        stale = [address for address in addresses if address in self._stale]
        if stale:
            await self.drop(stale)
        return self._stale.isdisjoint(stale)


async def _attempt(operation: Callable[[], Awaitable[T]], otherwise: T) -> T:
    try:
        return await operation()
    except FAILURES as error:
        logger.warning("The cache failed and was bypassed: %r", error)
        return otherwise
