"""The store that serves as a cache: what goes wrong with it makes nothing worse than a miss."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.wrappers.base import UNREACHABLE
from key_value.aio.wrappers.passthrough_cache.knowledge import Found, Place
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

T = TypeVar("T")

logger = logging.getLogger(__name__)

FAILURES = (BaseKeyValueError, *UNREACHABLE)

MAXIMUM_STALE = 100_000
"""Entries that could not be removed from a cache that is away; with more, writes fail as the cache does."""


class Cache:
    """A cache that is asked politely."""

    def __init__(self, store: TTLClampWrapper) -> None:
        """Use a store as a cache.

        Args:
            store: The store.
        """
        self._store = store
        self._stale: set[Place] = set()

    async def get(self, place: Place, collection: str | None) -> dict[str, Any] | None:
        """What is cached for an entry."""
        if self._stale and not await self._is_usable([place], collection):
            return None
        return await _attempt(self._store.get(place[1], collection=collection), None)

    async def get_many(
        self, places: Sequence[Place], collection: str | None
    ) -> Sequence[dict[str, Any] | None]:
        """What is cached for several entries of a collection."""
        nothing = [None] * len(places)
        if self._stale and not await self._is_usable(places, collection):
            return nothing
        keys = [key for _, key in places]
        return await _attempt(self._store.get_many(keys, collection=collection), nothing)

    async def fill(self, places: Sequence[Place], found: Sequence[Found], collection: str | None) -> None:
        """Keep what was found, each for the seconds that it has left."""
        if self._stale and not await self._is_usable(places, collection):
            return
        lasting: dict[str, dict[str, Any]] = {}
        puts: list[Awaitable[None]] = []
        for (_, key), (value, seconds) in zip(places, found, strict=True):
            if value is not None and seconds is None:
                lasting[key] = value
            elif value is not None and seconds is not None and seconds > 0:
                puts.append(self._store.put(key, value, collection=collection, ttl=seconds))
        if lasting:
            puts.append(self._store.put_many(list(lasting), list(lasting.values()), collection=collection))
        await asyncio.gather(*(_attempt(put, None) for put in puts))

    async def drop(self, places: Sequence[Place], collection: str | None) -> None:
        """Remove entries that hold no more; those that cannot be removed now are never read again.

        Raises:
            BaseKeyValueError: The cache fails, and too many entries wait to be removed.
        """
        keys = [key for _, key in places]
        try:
            if len(keys) == 1:
                await self._store.delete(keys[0], collection=collection)
            else:
                await self._store.delete_many(keys, collection=collection)
        except FAILURES as error:
            more = sum(place not in self._stale for place in places)
            if len(self._stale) + more > MAXIMUM_STALE:
                raise
            logger.warning("The cache could not be invalidated: %r", error)
            self._stale.update(places)
        else:
            self._stale.difference_update(places)

    async def _is_usable(self, places: Sequence[Place], collection: str | None) -> bool:
        stale = [place for place in places if place in self._stale]
        if stale:
            await self.drop(stale, collection)
        return self._stale.isdisjoint(stale)


async def _attempt(operation: Awaitable[T], otherwise: T) -> T:
    try:
        return await operation
    except FAILURES as error:
        logger.warning("The cache failed, and is passed by: %r", error)
        return otherwise
