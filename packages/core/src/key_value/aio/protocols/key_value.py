"""The protocols that applications and frameworks are typed against.

All are runtime-checkable: `isinstance(store, AsyncEnumerateKeysProtocol)` says whether this store can list
its keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, SupportsFloat, runtime_checkable


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
            ttl: Seconds to live, positive and finite; None means for ever.
        """
        ...

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Remove one entry.

        Args:
            key: The key, any string.
            collection: The collection to remove it from.

        Returns:
            True where an entry was removed, False where there was none that had not expired.
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
    """What to annotate with: any store or wrapper."""


@runtime_checkable
class AsyncCullProtocol(Protocol):
    """A store that can free the space of expired entries on request."""

    async def cull(self) -> None:
        """Remove all expired entries."""
        ...


@runtime_checkable
class AsyncEnumerateKeysProtocol(Protocol):
    """A store that can list the keys of a collection."""

    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        """List keys, in no particular order, without those that have expired.

        Args:
            collection: The collection to list.
            limit: List so many at most; None lists all.
        """
        ...


@runtime_checkable
class AsyncEnumerateCollectionsProtocol(Protocol):
    """A store that can list its collections."""

    async def collections(self, *, limit: int | None = None) -> list[str]:
        """List collections, in no particular order; some stores list one that has become empty.

        Args:
            limit: List so many at most; None lists all.
        """
        ...


@runtime_checkable
class AsyncDestroyStoreProtocol(Protocol):
    """A store that can remove everything it holds."""

    async def destroy(self) -> bool:
        """Remove every entry of every collection that was stored here, and nothing else.

        Returns:
            True where the entries were removed. The store can be used again.
        """
        ...


@runtime_checkable
class AsyncDestroyCollectionProtocol(Protocol):
    """A store that can remove a whole collection."""

    async def destroy_collection(self, collection: str) -> bool:
        """Remove every entry of one collection.

        Args:
            collection: The collection; it can be used again.

        Returns:
            True where there was something to remove.
        """
        ...


@runtime_checkable
class AsyncPutIfAbsentProtocol(Protocol):
    """A store that can store a value only where there is none, atomically."""

    async def put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        """Store a value unless the key holds one that has not expired.

        Of any number of callers at once, whether tasks, threads, processes or hosts that share the backend,
        one wins.

        Args:
            key: The key, any string.
            value: A mapping of strings to what JSON can hold.
            collection: The collection to store in.
            ttl: Seconds to live, positive and finite; None means for ever.

        Returns:
            True only if this call stored the value.
        """
        ...
