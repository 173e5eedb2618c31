"""Conditional writes: all abilities that require an unchanged entry, from one hook."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_key, check_value, check_version
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.time_to_live import prepare_ttl
from key_value.aio.errors import KeyValueStoreError, SerializationError
from key_value.aio.protocols.key_value import (
    AsyncCompareAndSetProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncTouchProtocol,
    TimeToLive,
    Versioned,
)
from key_value.aio.stores.base.store import BaseStore, new_entry

_CLAIMS = 100
"""Attempts to store an entry while others come and go; a remaining obstacle is not an entry of a store."""

_EXPIRES = "~"
"""Separator in a version between the backend's version and the time at which the entry expires."""


class VersionedStore(
    BaseStore,
    AsyncPutIfAbsentProtocol,
    AsyncCompareAndSetProtocol,
    AsyncPopProtocol,
    AsyncTouchProtocol,
    ABC,
):
    """A store whose backend can write on the condition that an entry has not changed.

    Versions in hooks are the backend's own text, and differ after every write. The entry of a version may
    have expired; this class handles that.
    """

    leaves_tombstones: ClassVar[bool] = False
    """Whether removing an entry of a given version first replaces it with an expired entry.

    For drivers that resend a removal by themselves: the store cannot find out whether the first attempt
    removed the entry, but it can find out which call stored the expired entry.
    """

    @abstractmethod
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        """Hook: return an entry, even an expired one, and its version; None if it is missing."""

    @abstractmethod
    async def _put_entry_if(
        self, *, collection: str, key: str, managed_entry: ManagedEntry, version: str | None
    ) -> str | None:
        """Hook: atomically store an entry, if the stored one has a given version, or if there is none.

        Args:
            collection: Collection of the entry.
            key: Key of the entry.
            managed_entry: Entry to store.
            version: Required version of the stored entry; None requires that there is no entry.

        Returns:
            The new version; None if nothing was stored.
        """

    @abstractmethod
    async def _delete_entry_if(self, *, collection: str, key: str, version: str) -> bool:
        """Hook: atomically remove an entry if it has a given version; return whether it was removed."""

    async def _colliding_version(self, *, collection: str, key: str) -> str | None:
        """Return the version of another entry stored where this one belongs; None if there is no other."""
        return None

    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        """Hook: atomically remove an entry and return it, even if it has expired; None if it is missing."""
        while (found := await self._get_versioned_entry(collection=collection, key=key)) is not None:
            entry, version = found
            # An expired entry may be the tombstone of another call, which reads it if its reply was lost.
            if (self.leaves_tombstones and entry.is_expired) or await self._retire_entry(
                collection, key, version
            ):
                return entry
        return None

    async def _retire_entry(self, collection: str, key: str, version: str) -> bool:
        """Remove an entry if it has a given version, and return whether it was removed."""
        if not self.leaves_tombstones:
            return await self._delete_entry_if(collection=collection, key=key, version=version)
        dead = new_entry({}, time.time(), 0)
        buried = await self._put_entry_if(collection=collection, key=key, managed_entry=dead, version=version)
        if buried is None:
            return False
        # If this fails, only an expired entry is left.
        with suppress(KeyValueStoreError):
            await self._delete_entry_if(collection=collection, key=key, version=buried)
        return True

    async def _touch_entry(self, *, collection: str, key: str, expires: float | None) -> bool:
        """Hook: atomically change the expiry of an entry; return whether it existed and had not expired."""
        while (found := await self._get_versioned_entry(collection=collection, key=key)) is not None:
            entry, version = found
            if entry.is_expired:
                break
            entry.expires_epoch = expires
            if await self._put_entry_if(collection=collection, key=key, managed_entry=entry, version=version):
                return True
        return False

    @override
    async def put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> bool:
        key, collection, entry = await self._prepare_put(key, value, collection, ttl)
        try:
            return await self._claim(collection, key, entry)
        except Exception as error:  # noqa: BLE001 -- raised again
            self._raise(error, collection, key, value)

    async def _claim(self, collection: str, key: str, entry: ManagedEntry) -> bool:
        version: str | None = None
        # An expired entry is replaced on the condition that its version is unchanged.
        for _ in range(_CLAIMS):
            stored = await self._put_entry_if(
                collection=collection, key=key, managed_entry=entry, version=version
            )
            if stored is not None:
                self._count_writes(1)
                return True
            found = await self._get_versioned_entry(collection=collection, key=key)
            if found is not None and not found[0].is_expired:
                return False
            version = (
                await self._colliding_version(collection=collection, key=key) if found is None else found[1]
            )
        message = f"{self!r} rejects the entry as if one existed, which can be neither read nor replaced"
        raise KeyValueStoreError(message=message)

    @override
    async def get_versioned(
        self, key: str, *, collection: str | None = None
    ) -> Versioned[dict[str, Any]] | None:
        key, collection = await self._prepare_get(key, collection)
        with self._driver_errors:
            found = await self._get_versioned_entry(collection=collection, key=key)
        if found is None or found[0].is_expired:
            return None
        entry, version = found
        return Versioned(dict(entry.value), _public(version, entry.expires_epoch), entry.ttl)

    @override
    async def put_if_version(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        version: str,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> str | None:
        check_version(version)
        key, collection, entry = await self._prepare_put(key, value, collection, ttl)
        expected = _unexpired(version)
        if expected is None:
            return None
        try:
            with self._driver_errors:
                stored = await self._put_entry_if(
                    collection=collection, key=key, managed_entry=entry, version=expected
                )
        except SerializationError as error:
            raise self._located(error, collection, {key: value}) from error.__cause__
        if stored is None:
            return None
        self._count_writes(1)
        return _public(stored, entry.expires_epoch)

    @override
    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        check_version(version)
        key, collection = await self._prepare_get(key, collection)
        expected = _unexpired(version)
        if expected is None:
            return False
        with self._driver_errors:
            return await self._retire_entry(collection, key, expected)

    @override
    async def pop(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        key, collection = await self._prepare_get(key, collection)
        with self._driver_errors:
            entry = await self._take_entry(collection=collection, key=key)
        return None if entry is None or entry.is_expired else dict(entry.value)

    @override
    async def touch(self, key: str, *, ttl: TimeToLive | None, collection: str | None = None) -> bool:
        seconds = prepare_ttl(ttl)
        key, collection = await self._prepare_get(key, collection)
        expires = None if seconds is None else time.time() + seconds
        with self._driver_errors:
            return await self._touch_entry(collection=collection, key=key, expires=expires)

    async def _prepare_get(self, key: str, collection: str | None) -> tuple[str, str]:
        key = check_key(key)
        collection = self._resolve(collection)
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        return key, collection

    async def _prepare_put(
        self, key: str, value: Mapping[str, Any], collection: str | None, ttl: TimeToLive | None
    ) -> tuple[str, str, ManagedEntry]:
        key = check_key(key)
        check_value(value)
        collection = self._resolve(collection)
        seconds = prepare_ttl(ttl)
        if collection not in self._prepared:
            await self.setup_collection(collection=collection)
        return key, collection, new_entry(value, time.time(), seconds)


def _public(version: str, expires: float | None) -> str:
    """Return the version for a caller: it includes the entry's expiry time, and is useless after that."""
    return version if expires is None else f"{version}{_EXPIRES}{expires!r}"


def _unexpired(version: str) -> str | None:
    """Return the backend's part of a caller's version; None if its entry has expired."""
    backend, separator, expires = version.rpartition(_EXPIRES)
    if not separator:
        return version
    try:
        return backend if float(expires) > time.time() else None
    except ValueError:
        return None
