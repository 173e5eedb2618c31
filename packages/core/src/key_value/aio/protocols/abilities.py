"""Abilities that only some stores have, one protocol each, and the table that wrappers and tests read.

All are runtime-checkable: `isinstance(store, AsyncEnumerateKeysProtocol)` reports whether a store can list
its keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import (
    Any,
    Generic,
    Literal,
    NamedTuple,
    Protocol,
    SupportsFloat,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

ValueT_co = TypeVar("ValueT_co", covariant=True)

TimeToLive: TypeAlias = SupportsFloat | timedelta
"""Time to live of an entry: a number of seconds or a timedelta."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[ValueT_co]):
    """A value and the version to pass to the next conditional write."""

    value: ValueT_co
    """The value."""
    version: str
    """An opaque string that changes with every successful write, even of an equal value."""
    ttl: float | None
    """Seconds until the entry expires; None if it never does."""


class Page(NamedTuple):
    """One page of the keys of a collection."""

    keys: list[str]
    """Keys of this page; a page in the middle of a scan may be empty."""
    cursor: str | None
    """Cursor of the next page, opaque and usable by another process; None on the last page."""


@runtime_checkable
class AsyncCullProtocol(Protocol):
    """A store that can reclaim the space of expired entries on request."""

    async def cull(self) -> None:
        """Remove all expired entries."""
        ...


@runtime_checkable
class AsyncEnumerateKeysProtocol(Protocol):
    """A store that can list the keys of a collection."""

    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        """List keys that have not expired, in no particular order.

        Args:
            collection: Collection to list.
            limit: Maximum number of keys to return; None returns all.
        """
        ...


@runtime_checkable
class AsyncEnumerateCollectionsProtocol(Protocol):
    """A store that can list its collections."""

    async def collections(self, *, limit: int | None = None) -> list[str]:
        """List collections, in no particular order. Some stores still list a collection that is now empty.

        Args:
            limit: Maximum number of collections to return; None returns all.
        """
        ...


@runtime_checkable
class AsyncDestroyStoreProtocol(Protocol):
    """A store that can remove all of its entries."""

    async def destroy(self) -> bool:
        """Remove every entry stored through this store, in every collection, and nothing else.

        Returns:
            True if the entries were removed. The store can be used again.
        """
        ...


@runtime_checkable
class AsyncDestroyCollectionProtocol(Protocol):
    """A store that can remove a whole collection."""

    async def destroy_collection(self, collection: str) -> bool:
        """Remove every entry of one collection.

        Args:
            collection: Collection to remove; it can be used again.

        Returns:
            True if there was something to remove.
        """
        ...


@runtime_checkable
class AsyncPutIfAbsentProtocol(Protocol):
    """A store that can atomically store a value only if the key has none."""

    async def put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> bool:
        """Store a value unless the key already has one that has not expired.

        If several callers compete, exactly one succeeds, whether they are tasks, threads, processes or hosts
        that share the backend.

        Args:
            key: Key; any string.
            value: Mapping of strings to JSON-serializable values.
            collection: Collection to store in.
            ttl: Seconds to live, positive and finite, or a timedelta; None means the entry never expires.

        Returns:
            True only if this call stored the value.
        """
        ...


@runtime_checkable
class AsyncCompareAndSetProtocol(Protocol):
    """A store that can atomically write an entry only if it has not changed since it was read.

    Read with `get_versioned`, change the value, write with `put_if_version`. If that returns None, another
    writer changed the entry first: read again.
    """

    async def get_versioned(
        self, key: str, *, collection: str | None = None
    ) -> Versioned[dict[str, Any]] | None:
        """Read one value and its version.

        Args:
            key: Key; any string.
            collection: Collection to read from.

        Returns:
            The value, its version and its remaining seconds to live; None if the key is missing or has
            expired.
        """
        ...

    async def put_if_version(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        version: str,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> str | None:
        """Replace a value if the entry still has this version.

        Args:
            key: Key; any string.
            value: Mapping of strings to JSON-serializable values.
            version: Version that was read.
            collection: Collection to store in.
            ttl: Seconds to live, positive and finite, or a timedelta; None means the entry never expires.

        Returns:
            The new version; None, with nothing written, if the entry has since changed, expired or been
            removed.
        """
        ...

    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        """Remove an entry if it still has this version.

        Args:
            key: Key; any string.
            version: Version that was read.
            collection: Collection to remove from.

        Returns:
            True only if this call removed the entry.
        """
        ...


@runtime_checkable
class AsyncPopProtocol(Protocol):
    """A store that can read and remove an entry atomically."""

    async def pop(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        """Remove one entry and return its value.

        If several callers compete, exactly one gets the value.

        Args:
            key: Key; any string.
            collection: Collection to remove from.

        Returns:
            The value; None if the key is missing or has expired, or another caller got the value.
        """
        ...


@runtime_checkable
class AsyncTouchProtocol(Protocol):
    """A store that can change the TTL of an entry."""

    async def touch(self, key: str, *, ttl: TimeToLive | None, collection: str | None = None) -> bool:
        """Set a new TTL, counted from now, without changing the value.

        Args:
            key: Key; any string.
            ttl: Seconds to live, positive and finite, or a timedelta; None means the entry never expires.
            collection: Collection of the entry.

        Returns:
            True if the entry exists and had not expired.
        """
        ...


@runtime_checkable
class AsyncScanProtocol(Protocol):
    """A store that can list the keys of a collection page by page, with one page in memory at a time."""

    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        """List one page of keys that have not expired, in no particular order.

        A key that exists from the first page to the last is listed exactly once. A key that is added or
        removed during the scan may or may not be listed.

        Args:
            collection: Collection to list.
            prefix: Prefix of the keys, taken literally.
            cursor: Cursor returned with the previous page; None for the first page.
            limit: Maximum number of keys in the page; 1 or more.

        Returns:
            The keys and the cursor of the next page, which is None on the last page.

        Raises:
            ValueError: The cursor was not returned by this store for this collection and prefix.
        """
        ...


class Ability(NamedTuple):
    """A method that only some stores have."""

    method: str
    """Name of the method."""
    protocol: type
    """Protocol that declares the method."""
    takes: Sequence[str] = ()
    """Names of its arguments, positional ones first."""
    gives: Literal["value", "versioned", "version", "keys", "page", "collections", "done"] = "done"
    """Content of its result; `done` is a bool or nothing."""
    effect: Literal["read", "write", "destroy"] = "read"
    """Its effect on entries."""
    bypasses: Sequence[str] = ()
    """Operations that do the same work; a wrapper that changes one of them must change this method too."""
    single_store: bool = False
    """Whether its result is valid in one store only: a version, a cursor, which caller succeeded."""


ABILITIES: Sequence[Ability] = (
    Ability("keys", AsyncEnumerateKeysProtocol, ("collection", "limit"), "keys", bypasses=("delete",)),
    Ability(
        "collections", AsyncEnumerateCollectionsProtocol, ("limit",), "collections", bypasses=("delete",)
    ),
    Ability(
        "scan",
        AsyncScanProtocol,
        ("collection", "prefix", "cursor", "limit"),
        "page",
        bypasses=("delete",),
        single_store=True,
    ),
    Ability("destroy", AsyncDestroyStoreProtocol, effect="destroy", bypasses=("delete",)),
    Ability(
        "destroy_collection",
        AsyncDestroyCollectionProtocol,
        ("collection",),
        effect="destroy",
        bypasses=("delete",),
    ),
    Ability("cull", AsyncCullProtocol, effect="destroy"),
    Ability(
        "put_if_absent",
        AsyncPutIfAbsentProtocol,
        ("key", "value", "collection", "ttl"),
        effect="write",
        bypasses=("put",),
        single_store=True,
    ),
    Ability(
        "get_versioned",
        AsyncCompareAndSetProtocol,
        ("key", "collection"),
        "versioned",
        bypasses=("get",),
        single_store=True,
    ),
    Ability(
        "put_if_version",
        AsyncCompareAndSetProtocol,
        ("key", "value", "version", "collection", "ttl"),
        "version",
        effect="write",
        bypasses=("put",),
        single_store=True,
    ),
    Ability(
        "delete_if_version",
        AsyncCompareAndSetProtocol,
        ("key", "version", "collection"),
        effect="write",
        bypasses=("delete",),
        single_store=True,
    ),
    Ability(
        "pop",
        AsyncPopProtocol,
        ("key", "collection"),
        "value",
        effect="write",
        bypasses=("get", "delete"),
        single_store=True,
    ),
    Ability("touch", AsyncTouchProtocol, ("key", "ttl", "collection"), effect="write", bypasses=("put",)),
)
"""Every method of every ability, in the order of the documentation's tables."""

ABILITY_OF: Mapping[str, Ability] = {ability.method: ability for ability in ABILITIES}
"""The abilities by method name."""
