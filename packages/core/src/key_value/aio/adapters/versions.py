"""Conditional writes of an adapter, if its store supports them."""

import asyncio
import random
from collections.abc import Callable
from copy import deepcopy
from typing import TypeVar, cast

from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.adapters.view import View
from key_value.aio.errors import KeyValueStoreError
from key_value.aio.protocols.abilities import (
    AsyncCompareAndSetProtocol,
    AsyncPutIfAbsentProtocol,
    TimeToLive,
    Versioned,
)

T = TypeVar("T")

MAX_ATTEMPTS = 100
"""Maximum number of attempts of `update`."""

_LONGEST_WAIT = 0.1
"""Maximum wait of `update` between two attempts, in seconds."""


class PutsIfAbsent(View[T]):
    """Mixin with `put_if_absent`."""

    __slots__ = ()

    async def put_if_absent(
        self, key: str, value: T, *, collection: str | None = None, ttl: TimeToLive | None = None
    ) -> bool:
        """Store a value unless the key already has one, if the store can do so atomically.

        Args:
            key: Key of the entry.
            value: Value to store.
            collection: Collection to store in.
            ttl: Seconds to live or a timedelta; None means the entry never expires.

        Returns:
            True only if this call stored the value.
        """
        store = cast("AsyncPutIfAbsentProtocol", self._store())
        return await store.put_if_absent(
            key, self._encode(value), collection=self._collection(collection), ttl=to_seconds(ttl)
        )


class ComparesAndSets(View[T]):
    """Mixin with the operations on versions."""

    __slots__ = ()

    async def get_versioned(self, key: str, *, collection: str | None = None) -> Versioned[T] | None:
        """Read one value and its version, if the store has versions.

        Args:
            key: Key of the entry.
            collection: Collection to read from.

        Returns:
            The value, its version and its remaining seconds to live; None if the key is missing, or its value
            is not of the type.
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
        ttl: TimeToLive | None = None,
    ) -> str | None:
        """Replace a value if the entry still has this version, if the store has versions.

        Args:
            key: Key of the entry.
            value: Value to store.
            version: Version that was read.
            collection: Collection to store in.
            ttl: Seconds to live or a timedelta; None means the entry never expires.

        Returns:
            The new version; None, with nothing written, if the entry has since changed, expired or been
            removed.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        encoded, collection = self._encode(value), self._collection(collection)
        return await store.put_if_version(
            key, encoded, version=version, collection=collection, ttl=to_seconds(ttl)
        )

    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        """Remove an entry if it still has this version, if the store has versions.

        Args:
            key: Key of the entry.
            version: Version that was read.
            collection: Collection to remove from.

        Returns:
            True only if this call removed the entry.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        return await store.delete_if_version(key, version=version, collection=self._collection(collection))


class Updates(ComparesAndSets[T], PutsIfAbsent[T]):
    """Mixin with `update` and the operations that it builds on."""

    __slots__ = ()

    async def update(
        self,
        key: str,
        function: Callable[[T], T],
        *,
        default: T,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> T:
        """Change a value atomically with a function, if the store has versions and `put_if_absent`.

        The method reads the value, calls the function with it and writes the result. If another writer
        changed the entry first, it tries again after a short random wait.

        Args:
            key: Key of the entry.
            function: Function that returns the new value for the current one. It may be called several times.
            default: Value to call it with if the key is missing or its value is not of the type; copied each
                time.
            collection: Collection of the entry.
            ttl: Seconds to live from now on, or a timedelta; None keeps the remaining TTL of the entry.

        Returns:
            The value that was written.

        Raises:
            KeyValueStoreError: Another writer was faster in every attempt.
        """
        store = cast("AsyncCompareAndSetProtocol", self._store())
        for attempt in range(MAX_ATTEMPTS):
            found = await store.get_versioned(key, collection=self._collection(collection))
            value = None if found is None else self._decode(found.value)
            new = function(deepcopy(default) if value is None else value)
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
            f"Could not update the value: other writers were faster in each of {MAX_ATTEMPTS} attempts",
            {"collection": collection, "key": key},
        )
