"""The methods that an adapter has if its store has the abilities for them."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Generic, SupportsFloat, TypeVar, cast

from key_value.aio._utils.uncopyable import ShallowCopyable
from key_value.aio.errors import KeyValueStoreError
from key_value.aio.protocols.abilities import (
    AsyncCompareAndSetProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Page,
    Versioned,
)
from key_value.aio.protocols.extending import extend, missing_ability
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.protocols.paging import pages

T = TypeVar("T")

VALUES_AT_A_TIME = 100

MAX_ATTEMPTS = 100
"""How often `update` tries at most."""

_LONGEST_WAIT = 0.1
"""Seconds that `update` waits between two attempts at most."""


class _View(ABC, Generic[T]):
    """The hooks that the abilities of an adapter are made of."""

    __slots__ = ()

    @abstractmethod
    def _store(self) -> AsyncKeyValue:
        """Hook: the store that is adapted."""

    @abstractmethod
    def _collection(self, collection: str | None) -> str | None:
        """Hook: the collection to use where this one was named."""

    @abstractmethod
    def _encode(self, value: T) -> Mapping[str, Any]:
        """Hook: what to store for a value."""

    @abstractmethod
    def _decode(self, stored: dict[str, Any]) -> T | None:
        """Hook: the value that was stored; None if it is not of the type."""

    @abstractmethod
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        """Hook: the values of several keys."""


class _ListsKeys(_View[T]):
    __slots__ = ()

    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        """List keys, if the store can.

        Args:
            collection: The collection to list.
            limit: List so many at most; None lists all.
        """
        store = cast("AsyncEnumerateKeysProtocol", self._store())
        return await store.keys(self._collection(collection), limit=limit)

    async def items(self, collection: str | None = None) -> AsyncIterator[tuple[str, T]]:
        """Walk through keys and values, if the store can list keys: `async for key, value in ...`.

        What is missing by the time it is read, or not of the type, is left out.

        Args:
            collection: The collection to walk through.
        """
        async for keys in pages(self._store(), self._collection(collection), size=VALUES_AT_A_TIME):
            for key, value in zip(keys, await self._values(keys, collection), strict=True):
                if value is not None:
                    yield key, value


class _Scans(_View[T]):
    __slots__ = ()

    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        """List a page of keys, if the store can.

        Args:
            collection: The collection to list.
            prefix: What the keys start with, taken literally.
            cursor: The cursor of the page before; None for the first page.
            limit: How many keys the page has at most, 1 or more.

        Returns:
            The keys and the cursor of the next page, which is None at the end.
        """
        store = cast("AsyncScanProtocol", self._store())
        return await store.scan(self._collection(collection), prefix=prefix, cursor=cursor, limit=limit)


class _PutsIfAbsent(_View[T]):
    __slots__ = ()

    async def put_if_absent(
        self, key: str, value: T, *, collection: str | None = None, ttl: SupportsFloat | None = None
    ) -> bool:
        """Store a value unless the key has one, if the store can do so atomically.

        Args:
            key: The key.
            value: The value.
            collection: The collection to store in.
            ttl: Seconds to live; None means for ever.

        Returns:
            True only if this call stored the value.
        """
        store = cast("AsyncPutIfAbsentProtocol", self._store())
        return await store.put_if_absent(
            key, self._encode(value), collection=self._collection(collection), ttl=ttl
        )


class _ComparesAndSets(_View[T]):
    __slots__ = ()

    async def get_versioned(self, key: str, *, collection: str | None = None) -> Versioned[T] | None:
        """Read one value and its version, if the store has versions.

        Args:
            key: The key.
            collection: The collection to look in.

        Returns:
            The value, its version and its seconds to live; None if the key is missing, or not of the type.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        found = await store.get_versioned(key, collection=self._collection(collection))
        value = None if found is None else self._decode(found.value)
        return None if found is None or value is None else Versioned(value, found.version, found.ttl)

    async def put_if_version(
        self,
        key: str,
        value: T,
        *,
        version: str,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> str | None:
        """Replace a value if the entry still has this version, if the store has versions.

        Args:
            key: The key.
            value: The value.
            version: The version that was read.
            collection: The collection to store in.
            ttl: Seconds to live; None means for ever.

        Returns:
            The new version; None if the entry was changed, removed or expired since, and nothing was written.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        encoded, collection = self._encode(value), self._collection(collection)
        return await store.put_if_version(key, encoded, version=version, collection=collection, ttl=ttl)

    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        """Remove an entry if it still has this version, if the store has versions.

        Args:
            key: The key.
            version: The version that was read.
            collection: The collection to remove it from.

        Returns:
            True only if this call removed the entry.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        return await store.delete_if_version(key, version=version, collection=self._collection(collection))


class _Updates(_ComparesAndSets[T], _PutsIfAbsent[T]):
    __slots__ = ()

    async def update(
        self,
        key: str,
        function: Callable[[T], T],
        *,
        default: T,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> T:
        """Change a value by a function, atomically, if the store has versions and `put_if_absent`.

        It reads the value, calls the function with it and writes the result, again if another writer was
        faster, after a short random wait.

        Args:
            key: The key.
            function: Returns the new value for the present one; it may be called several times.
            default: What to call it with if the key is missing, each time a copy.
            collection: The collection of the entry.
            ttl: Seconds to live from now on; None leaves the entry those that it has.

        Returns:
            The value that was written.

        Raises:
            KeyValueStoreError: Another writer was faster each time.
        """
        for attempt in range(MAX_ATTEMPTS):
            found = await self.get_versioned(key, collection=collection)
            new = function(deepcopy(default) if found is None else found.value)
            if found is None:
                if await self.put_if_absent(key, new, collection=collection, ttl=ttl):
                    return new
            elif await self.put_if_version(
                key,
                new,
                version=found.version,
                collection=collection,
                ttl=found.ttl if ttl is None else ttl,
            ):
                return new
            await asyncio.sleep(random.uniform(0, min(0.001 * 2 ** min(attempt, 10), _LONGEST_WAIT)))  # noqa: S311  -- not a secret
        raise KeyValueStoreError(
            f"Other writers were faster in each of {MAX_ATTEMPTS} attempts to update a value",
            {"collection": collection, "key": key},
        )


class _Pops(_View[T]):
    __slots__ = ()

    async def pop(self, key: str, *, collection: str | None = None) -> T | None:
        """Remove one entry and return its value, if the store can do so atomically.

        Args:
            key: The key.
            collection: The collection to remove it from.

        Returns:
            The value; None if the key is missing, another caller got it, or it is not of the type.
        """
        store = cast("AsyncPopProtocol", self._store())
        stored = await store.pop(key, collection=self._collection(collection))
        return None if stored is None else self._decode(stored)


class _Touches(_View[T]):
    __slots__ = ()

    async def touch(self, key: str, *, ttl: SupportsFloat | None, collection: str | None = None) -> bool:
        """Give an entry a new time to live from now on, if the store can do so without its value.

        Args:
            key: The key.
            ttl: Seconds to live; None means for ever.
            collection: The collection to look in.

        Returns:
            True if there was an entry that had not expired.
        """
        store = cast("AsyncTouchProtocol", self._store())
        return await store.touch(key, ttl=ttl, collection=self._collection(collection))


_MIXINS: Mapping[type, Sequence[type]] = {
    _ListsKeys: [AsyncEnumerateKeysProtocol],
    _Scans: [AsyncScanProtocol],
    _PutsIfAbsent: [AsyncPutIfAbsentProtocol],
    _ComparesAndSets: [AsyncCompareAndSetProtocol],
    _Updates: [AsyncCompareAndSetProtocol, AsyncPutIfAbsentProtocol],
    _Pops: [AsyncPopProtocol],
    _Touches: [AsyncTouchProtocol],
}
"""The methods that an adapter has, by the protocols that its store needs for them."""

_NEEDS: Mapping[str, str] = {"items": "keys", "update": "get_versioned"}
"""The ability that a method needs whose name is not that of an ability."""

if TYPE_CHECKING:

    class _Able(_ListsKeys[T], _Scans[T], _Updates[T], _Pops[T], _Touches[T]):
        """All methods: which of them there are is known only at run time."""

else:
    _Able = _View


class AbilitiesOfStore(ShallowCopyable, _Able[T]):
    """An adapter that has the methods of those abilities only that its store has."""

    def _adapt(self, store: AsyncKeyValue) -> None:
        """Take over the abilities of a store."""
        able = {mixin for mixin, needed in _MIXINS.items() if all(isinstance(store, each) for each in needed)}
        # One that another is made of would stand before it.
        extend(self, [each for each in _MIXINS if each in able and not _is_covered(each, able)])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            store = vars(self).get("_key_value", vars(self).get("key_value"))
            raise missing_ability(self, _NEEDS.get(name, name), () if store is None else (store,))


def _is_covered(mixin: type, able: set[type]) -> bool:
    return any(mixin is not other and issubclass(other, mixin) for other in able)
