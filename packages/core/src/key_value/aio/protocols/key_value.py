"""The eight operations that every store has, and under the names of the 0.5 series the abilities of some."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, SupportsFloat, runtime_checkable

from key_value.aio.protocols.abilities import (
    AsyncCompareAndSetProtocol,
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Page,
    TimeToLive,
    Versioned,
)

__all__ = [
    "AsyncCompareAndSetProtocol",
    "AsyncCullProtocol",
    "AsyncDestroyCollectionProtocol",
    "AsyncDestroyStoreProtocol",
    "AsyncEnumerateCollectionsProtocol",
    "AsyncEnumerateKeysProtocol",
    "AsyncKeyValue",
    "AsyncKeyValueProtocol",
    "AsyncPopProtocol",
    "AsyncPutIfAbsentProtocol",
    "AsyncScanProtocol",
    "AsyncTouchProtocol",
    "Page",
    "TimeToLive",
    "Versioned",
]


@runtime_checkable
class AsyncKeyValueProtocol(Protocol):
    """The eight operations that every store, and every wrapper around one, has.

    A collection is a named set of keys; `None` and `""` mean the store's default collection.
    """

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        """Read one value.

        Args:
            key: The key, any string.
            collection: The collection to look in.

        Returns:
            A fresh copy of the value, or None where the key is missing or has expired.
        """
        ...

    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        """Read one value and the seconds it has left to live.

        Args:
            key: The key, any string.
            collection: The collection to look in.

        Returns:
            `(value, seconds)`; `(value, None)` where it never expires; `(None, None)` where it is missing or
            has expired.
        """
        ...

    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        """Store one value; a value that was there is replaced, and its expiry with it.

        Args:
            key: The key, any string.
            value: A mapping of strings to what JSON can hold.
            collection: The collection to store in.
            ttl: Seconds to live, positive and finite; None means for ever. All stores, wrappers and adapters
                of this library take a timedelta too.
        """
        ...

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Remove one entry.

        Args:
            key: The key, any string.
            collection: The collection to remove it from.

        Returns:
            True if an entry was removed, False if there was none that had not expired.
        """
        ...

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        """Read several values.

        Args:
            keys: The keys; one that is given twice is answered twice.
            collection: The collection to look in.

        Returns:
            A list as long as `keys` and in its order, with None for what is missing or has expired.
        """
        ...

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        """Read several values and the seconds they have left.

        Args:
            keys: The keys; one that is given twice is answered twice.
            collection: The collection to look in.

        Returns:
            A list as long as `keys` and in its order, of what `ttl` returns.
        """
        ...

    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        """Store several values; of a key that is given twice, the last value wins.

        Args:
            keys: The keys.
            values: As many values as there are keys.
            collection: The collection to store in.
            ttl: Seconds that each of them lives, positive and finite; None means for ever.
        """
        ...

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        """Remove several entries.

        Args:
            keys: The keys; one that is given twice counts once.
            collection: The collection to remove them from.

        Returns:
            How many entries were removed.
        """
        ...


@runtime_checkable
class AsyncKeyValue(AsyncKeyValueProtocol, Protocol):
    """Any store or wrapper: the type to annotate with."""
