"""Carry over to one store what was written to another while the first could not be reached."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from key_value.aio.errors import KeyValueOperationError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.locks import NamedLocks

T = TypeVar("T")

logger = logging.getLogger(__name__)

Address = tuple[str | None, str]
"""A collection and a key; the collection is None only where its name is not known."""


class SourceUnreachableError(Exception):
    """The store that has the entries cannot be reached; the store's own error is the cause."""


class Outbox:
    """Records which entries are to be carried over, and then to be removed where they were."""

    def __init__(self, size: int) -> None:
        """Begin without entries.

        Args:
            size: How many entries it holds at most.
        """
        self._size = size
        self._is_newest: dict[Address, bool] = {}
        """Whether the entry is to be carried over; otherwise it is only to be removed."""
        self._locks = NamedLocks()

    def __len__(self) -> int:
        return len(self._is_newest)

    def has_room(self, count: int) -> bool:
        """Return whether it could hold so many more."""
        return len(self._is_newest) + count <= self._size

    async def add(self, keys: Sequence[str], collection: str | None, write: Callable[[], Awaitable[T]]) -> T:
        """Write or delete entries, and record their addresses."""
        async with self._locks.hold([(collection, key) for key in keys]):
            result = await write()
            for key in keys:
                self._is_newest.pop((collection, key), None)
                self._is_newest[collection, key] = True
        return result

    async def supersede(
        self,
        keys: Sequence[str],
        collection: str | None,
        write: Callable[[], Awaitable[T]],
        *,
        conditional: bool,
    ) -> T:
        """Write or delete entries in the store that is to have them; what is recorded of them is outdated.

        Args:
            keys: The keys.
            collection: The collection.
            write: The operation.
            conditional: Whether a result of None or False means that nothing was written.
        """
        addresses = [(collection, key) for key in keys]
        async with self._locks.hold(addresses):
            result = await write()
            if not conditional or result not in (None, False):
                self._is_newest.update((each, False) for each in addresses if each in self._is_newest)
        return result

    async def empty(
        self, source: AsyncKeyValue, target: AsyncKeyValue, keeping: tuple[type[Exception], ...]
    ) -> int:
        """Carry all entries over, in the order in which they were written last.

        Args:
            source: The store that has them.
            target: The store that is to have them.
            keeping: The errors that mean that a store cannot be reached; what is left waits for the next
                time.

        Returns:
            How many were carried over.

        Raises:
            SourceUnreachableError: The source cannot be reached.
            Exception: One of `keeping`, if the target cannot be reached.
        """
        carried = 0
        for address in list(self._is_newest):
            async with self._locks.hold([address]):
                if address in self._is_newest:
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
        is_newest = self._is_newest[address]
        try:
            if is_newest:
                await _copy(address, source, target, keeping)
                self._is_newest[address] = False
            # It would be stale in the next outage.
            await _reach(source.delete(key, collection=collection), keeping)
        except Exception as error:
            if isinstance(error, (SourceUnreachableError, *keeping)) and not _is_of_the_value(error):
                raise
            logger.exception("%r of %r stays in the fallback store alone", key, collection)
            del self._is_newest[address]
            return False
        del self._is_newest[address]
        return is_newest


async def _copy(
    address: Address, source: AsyncKeyValue, target: AsyncKeyValue, keeping: tuple[type[Exception], ...]
) -> None:
    collection, key = address
    value, seconds = await _reach(source.ttl(key, collection=collection), keeping)
    if value is None:
        await target.delete(key, collection=collection)
    else:
        await target.put(key, value, collection=collection, ttl=seconds)


async def _reach(operation: Awaitable[T], keeping: tuple[type[Exception], ...]) -> T:
    """Carry out an operation on the source."""
    try:
        return await operation
    except keeping as error:
        if _is_of_the_value(error):
            raise
        raise SourceUnreachableError from error


def _is_of_the_value(error: Exception) -> bool:
    """Return whether an error comes again each time, whatever the user counts as an outage."""
    return isinstance(error, KeyValueOperationError)
