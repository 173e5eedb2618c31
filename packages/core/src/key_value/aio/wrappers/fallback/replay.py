"""Carry over to one store what was written to another while the first could not be reached."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.locks import NamedLocks

T = TypeVar("T")

logger = logging.getLogger(__name__)

Address = tuple[str | None, str]
"""A collection and a key; the collection is None only where its name is not known."""


class Outbox:
    """Records which entries are to be carried over."""

    def __init__(self, size: int) -> None:
        """Begin without entries.

        Args:
            size: How many entries it holds at most.
        """
        self._size = size
        self._addresss: dict[Address, None] = {}
        self._locks = NamedLocks()

    def __len__(self) -> int:
        return len(self._addresss)

    def has_room(self, count: int) -> bool:
        """Return whether it could hold so many more."""
        return len(self._addresss) + count <= self._size

    async def add(self, keys: Sequence[str], collection: str | None, write: Callable[[], Awaitable[T]]) -> T:
        """Write or delete entries, and record their addresses."""
        async with self._locks.hold([(collection, key) for key in keys]):
            result = await write()
            for key in keys:
                self._addresss.pop((collection, key), None)
                self._addresss[collection, key] = None
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
        for address in list(self._addresss):
            async with self._locks.hold([address]):
                if address in self._addresss:
                    carried += await self._carry(address, source, target, keeping)
        return carried

    async def _carry(
        self,
        address: Address,
        source: AsyncKeyValue,
        target: AsyncKeyValue,
        keeping: tuple[type[Exception], ...],
    ) -> bool:
        collection, key = address
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
            del self._addresss[address]
            return False
        del self._addresss[address]
        # It would be stale in the next outage.
        await source.delete(key, collection=collection)
        return True
