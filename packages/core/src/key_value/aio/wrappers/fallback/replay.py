"""Carrying over to one store what was written to another while the first could not be reached."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.locks import NamedLocks

T = TypeVar("T")

logger = logging.getLogger(__name__)

Place = tuple[str | None, str]
"""A collection as it was given, and a key."""


class Outbox:
    """The entries that are to be carried over."""

    def __init__(self, size: int) -> None:
        """Make an empty one.

        Args:
            size: How many entries it holds at most.
        """
        self._size = size
        self._places: dict[Place, None] = {}
        self._locks = NamedLocks()

    def __len__(self) -> int:
        return len(self._places)

    def has_room(self, count: int) -> bool:
        """Whether it could hold so many more."""
        return len(self._places) + count <= self._size

    async def add(self, keys: Sequence[str], collection: str | None, write: Callable[[], Awaitable[T]]) -> T:
        """Write or delete entries, and note that this was done."""
        async with self._locks.hold([(collection, key) for key in keys]):
            result = await write()
            for key in keys:
                self._places.pop((collection, key), None)
                self._places[collection, key] = None
        return result

    async def empty(
        self, source: AsyncKeyValue, target: AsyncKeyValue, keeping: tuple[type[Exception], ...]
    ) -> int:
        """Carry all entries over, in the order in which they were written last.

        Args:
            source: The store that has them.
            target: The store that is to have them.
            keeping: The errors that mean that it cannot be reached; what is left waits for the next time.

        Returns:
            How many were carried over.
        """
        carried = 0
        for place in list(self._places):
            async with self._locks.hold([place]):
                if place in self._places:
                    carried += await self._carry(place, source, target, keeping)
        return carried

    async def _carry(
        self,
        place: Place,
        source: AsyncKeyValue,
        target: AsyncKeyValue,
        keeping: tuple[type[Exception], ...],
    ) -> bool:
        collection, key = place
        try:
            value, seconds = await source.ttl(key, collection=collection)
            if value is None:
                await target.delete(key, collection=collection)
            else:
                await target.put(key, value, collection=collection, ttl=seconds)
        except keeping:
            raise
        except BaseKeyValueError:
            logger.exception("%r of %r stays in the fallback store alone", key, collection)
            del self._places[place]
            return False
        del self._places[place]
        # It would be stale in the next outage.
        await source.delete(key, collection=collection)
        return True
