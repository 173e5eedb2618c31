"""The abilities that only some stores have, one protocol each, and the table that wrappers and tests read.

All are runtime-checkable: `isinstance(store, AsyncEnumerateKeysProtocol)` says whether this store can list
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
"""How long an entry lives: a number of seconds or a timedelta."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[ValueT_co]):
    """A value with the version that its next conditional write names."""

    value: ValueT_co
    """The value."""
    version: str
    """An opaque text that differs after every successful write, also of an equal value."""
    ttl: float | None
    """Seconds until the entry expires; None if it never does."""


class Page(NamedTuple):
    """Some of the keys of a collection."""

    keys: list[str]
    """The keys of this page; a page in the middle of a scan may be empty."""
    cursor: str | None
    """The cursor of the next page, opaque and usable by another process; None at the end."""


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
        """Remove every entry of every collection that was stored through this store, and nothing else.

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
        ttl: TimeToLive | None = None,
    ) -> bool:
        """Store a value unless the key holds one that has not expired.

        Of any number of callers at once, whether tasks, threads, processes or hosts that share the backend,
        one wins.

        Args:
            key: The key, any string.
            value: A mapping of strings to what JSON can hold.
            collection: The collection to store in.
            ttl: Seconds to live, positive and finite, or a timedelta; None means for ever.

        Returns:
            True only if this call stored the value.
        """
        ...


@runtime_checkable
class AsyncCompareAndSetProtocol(Protocol):
    """A store that can write only where an entry is still the one that was read, atomically.

    Read with `get_versioned`, change the value, write with `put_if_version`; if that returns None, another
    writer was faster: read again.
    """

    async def get_versioned(
        self, key: str, *, collection: str | None = None
    ) -> Versioned[dict[str, Any]] | None:
        """Read one value and its version.

        Args:
            key: The key, any string.
            collection: The collection to look in.

        Returns:
            The value, its version and its seconds to live; None if the key is missing or has expired.
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
            key: The key, any string.
            value: A mapping of strings to what JSON can hold.
            version: The version that was read.
            collection: The collection to store in.
            ttl: Seconds to live, positive and finite, or a timedelta; None means for ever.

        Returns:
            The new version; None if the entry was changed, removed or expired since, and nothing was written.
        """
        ...

    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        """Remove an entry if it still has this version.

        Args:
            key: The key, any string.
            version: The version that was read.
            collection: The collection to remove it from.

        Returns:
            True only if this call removed the entry.
        """
        ...


@runtime_checkable
class AsyncPopProtocol(Protocol):
    """A store that can read and remove an entry in one step."""

    async def pop(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        """Remove one entry and return its value.

        Of any number of callers at once, one gets the value.

        Args:
            key: The key, any string.
            collection: The collection to remove it from.

        Returns:
            The value; None if the key is missing or has expired, or another caller got it.
        """
        ...


@runtime_checkable
class AsyncTouchProtocol(Protocol):
    """A store that can change how long an entry lives."""

    async def touch(self, key: str, *, ttl: TimeToLive | None, collection: str | None = None) -> bool:
        """Give an entry a new time to live from now on; its value stays as it is.

        Args:
            key: The key, any string.
            ttl: Seconds to live, positive and finite, or a timedelta; None means for ever.
            collection: The collection to look in.

        Returns:
            True if there was an entry that had not expired.
        """
        ...


@runtime_checkable
class AsyncScanProtocol(Protocol):
    """A store that can list the keys of a collection page by page, holding one page at a time."""

    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        """List a page of keys, in no particular order, without those that have expired.

        A key that is there from the first page to the last is listed exactly once. One that is added or
        removed meanwhile may or may not be listed.

        Args:
            collection: The collection to list.
            prefix: What the keys start with, taken literally.
            cursor: The cursor of the page before; None for the first page.
            limit: How many keys the page has at most, 1 or more.

        Returns:
            The keys and the cursor of the next page, which is None at the end.

        Raises:
            ValueError: The cursor is not one that this store gave for this collection and prefix.
        """
        ...


class Ability(NamedTuple):
    """One method that only some stores have."""

    method: str
    """Its name."""
    protocol: type
    """The protocol that it belongs to."""
    takes: Sequence[str] = ()
    """The names of its arguments, the positional ones first."""
    gives: Literal["value", "versioned", "version", "keys", "page", "collections", "done"] = "done"
    """What its result holds; `done` is a bool or nothing."""
    effect: Literal["read", "write", "destroy"] = "read"
    """What it does to entries."""
    bypasses: Sequence[str] = ()
    """The operations that do the same work; a wrapper that changes one of them must change it too."""
    single_store: bool = False
    """Whether its answer holds in one store alone: a version, a cursor, which of several callers won."""


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
"""The abilities by the names of their methods."""
