"""Replay writes to one store that were made to another while the first could not be reached."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from key_value.aio.errors import KeyValueOperationError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.locks import NamedLocks

T = TypeVar("T")

logger = logging.getLogger(__name__)

Address = tuple[str | None, str]
"""A collection and a key; the collection is None only if its name is not known."""


class SourceUnreachableError(Exception):
    """The store that holds the entries cannot be reached; the store's own error is the cause."""


class Outbox:
    """A record of the entries to replay and then to remove from their source."""

    def __init__(self, size: int) -> None:
        """Initialize without entries.

        Args:
            size: Maximum number of entries.
        """
        self._size = size
        self._is_newest: dict[Address, bool] = {}
        """Whether each entry is to be replayed; otherwise it only needs to be removed."""
        self._locks = NamedLocks()

    def __len__(self) -> int:
        return len(self._is_newest)

    def has_room(self, count: int) -> bool:
        """Return whether there is room for `count` more entries."""
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
        """Write or delete entries in the target store, which makes recorded writes to them outdated.

        Args:
            keys: Keys of the entries.
            collection: Collection of the entries.
            write: Operation to perform.
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
        """Replay all entries, in the order of their last writes.

        Args:
            source: Store that holds the entries.
            target: Store to write them to.
            keeping: Errors that mean that a store cannot be reached; the remaining entries are then kept for
                the next replay.

        Returns:
            The number of entries replayed.

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
            # A copy left in the source would be stale in the next outage.
            await _reach(source.delete(key, collection=collection), keeping)
        except Exception as error:
            if isinstance(error, (SourceUnreachableError, *keeping)) and not _is_of_the_value(error):
                raise
            logger.exception("%r of %r remains in the fallback store only", key, collection)
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
    """Perform an operation on the source."""
    try:
        return await operation
    except keeping as error:
        if _is_of_the_value(error):
            raise
        raise SourceUnreachableError from error


def _is_of_the_value(error: Exception) -> bool:
    """Return whether an error would recur every time, even if the user counts it as an outage."""
    return isinstance(error, KeyValueOperationError)
