"""The eight operations of every store, and the ability protocols under their names of the 0.5 series."""

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
    """The eight operations of every store and every wrapper.

    A collection is a named set of keys; `None` and `""` mean the store's default collection.
    """

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        """Read one value.

        Args:
            key: Key; any string.
            collection: Collection to read from.

        Returns:
            A fresh copy of the value; None if the key is missing or has expired.
        """
        ...

    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        """Read one value and its remaining seconds to live.

        Args:
            key: Key; any string.
            collection: Collection to read from.

        Returns:
            `(value, seconds)`; `(value, None)` if the entry never expires; `(None, None)` if it is missing or
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
        """Store one value, replacing an existing value and its expiry.

        Args:
            key: Key; any string.
            value: Mapping of strings to JSON-serializable values.
            collection: Collection to store in.
            ttl: Seconds to live, positive and finite; None means the entry never expires. All stores,
                wrappers and adapters of this library also accept a timedelta.
        """
        ...

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Remove one entry.

        Args:
            key: Key; any string.
            collection: Collection to remove from.

        Returns:
            True if an entry was removed; False if it was missing or had expired.
        """
        ...

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        """Read several values.

        Args:
            keys: Keys; a repeated key is returned once per occurrence.
            collection: Collection to read from.

        Returns:
            A list as long as `keys` and in the same order, with None for each missing or expired key.
        """
        ...

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        """Read several values and their remaining seconds to live.

        Args:
            keys: Keys; a repeated key is returned once per occurrence.
            collection: Collection to read from.

        Returns:
            A list as long as `keys` and in the same order; each item is what `ttl` returns for that key.
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
        """Store several values. If a key is repeated, its last value is stored.

        Args:
            keys: Keys.
            values: As many values as there are keys.
            collection: Collection to store in.
            ttl: Seconds to live of each entry, positive and finite; None means they never expire.
        """
        ...

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        """Remove several entries.

        Args:
            keys: Keys; a repeated key counts once.
            collection: Collection to remove from.

        Returns:
            The number of entries removed.
        """
        ...


@runtime_checkable
class AsyncKeyValue(AsyncKeyValueProtocol, Protocol):
    """Any store or wrapper: the type to annotate with."""
