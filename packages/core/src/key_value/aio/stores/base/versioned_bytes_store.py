"""The base class of stores that keep bytes at an address and can write conditionally."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from typing_extensions import override

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.errors import KeyValueStoreError, OutcomeUnknownError
from key_value.aio.stores.base.bytes_store import BytesStore, remaining_ttl
from key_value.aio.stores.base.versioned_store import VersionedStore

T = TypeVar("T")


class VersionedBytesStore(BytesStore, VersionedStore, ABC):
    """A `BytesStore` whose backend can write and remove on the condition that the bytes have not changed.

    `version_of` returns the version of stored bytes. If the reply to a write is lost, the document is read to
    find out whether the write happened.
    """

    _gives_write_ids = True

    @staticmethod
    def version_of(data: bytes) -> str:
        """Return the version of a document: the SHA-1 of its bytes, which include a random write ID."""
        return hashlib.sha1(data, usedforsecurity=False).hexdigest()

    @abstractmethod
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        """Hook: atomically store bytes, if the stored bytes have a given version, or if there are none.

        The driver must not resend the write by itself: the reply would refer to the result of the first
        attempt.

        Args:
            address: Address to write to.
            data: Bytes to store.
            ttl: Seconds after which the backend may drop the bytes; None means never.
            version: Required version of the stored bytes; None requires that there are no bytes.

        Returns:
            Whether the bytes were stored.
        """

    @abstractmethod
    async def _remove_if(self, address: str, version: str) -> bool:
        """Hook: atomically remove bytes if they have a given version; return whether they were removed."""

    @override
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        address = await self._moved_address(collection, key)
        data = await self._fetch(self._read, address)
        if data is None or (
            self.names.may_collide(key) and not self._holds_entry(address, data, collection, key)
        ):
            return None
        return await self._decode(collection, key, data), self.version_of(data)

    @override
    async def _put_entry_if(
        self, *, collection: str, key: str, managed_entry: ManagedEntry, version: str | None
    ) -> str | None:
        address = await self._moved_address(collection, key)
        data, ttl = await self._encode(collection, key, managed_entry), remaining_ttl(managed_entry)
        new = self.version_of(data)
        refused = False is await self._conditionally(
            address, lambda: self._write_if(address, data, ttl, version), new
        )
        # If a driver resends a write, the backend reports that bytes exist: those from the first attempt.
        return new if not refused or (self.reconnects and await self._has_version(address, new)) else None

    @override
    async def _colliding_version(self, *, collection: str, key: str) -> str | None:
        address = self.names.address(collection, key)
        other = await self._fetch(self._read, address) if self.names.may_collide(key) else None
        if other is None or self._holds_entry(address, other, collection, key):
            return None
        return self.version_of(other)

    @override
    async def _delete_entry_if(self, *, collection: str, key: str, version: str) -> bool:
        address = await self._moved_address(collection, key)
        return bool(await self._conditionally(address, lambda: self._remove_if(address, version), None))

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        if type(self)._take is BytesStore._take:
            return await super()._take_entry(collection=collection, key=key)
        address = await self._moved_address(collection, key)
        data = await self._conditionally(address, lambda: self._take_own(address, collection, key), None)
        return None if data is None else await self._decode(collection, key, data)

    @override
    async def _remove_unchanged(self, address: str, data: bytes) -> None:
        await self._change([address], lambda: self._remove_if(address, self.version_of(data)))

    async def _conditionally(
        self, address: str, write: Callable[[], Awaitable[T]], new: str | None
    ) -> T | None:
        """Await a conditional write; return None if its reply was lost but the bytes were stored."""
        try:
            return await self._change_if([address], write)
        except OutcomeUnknownError:
            if new is not None and await self._has_version(address, new):
                return None
            raise

    async def _has_version(self, address: str, version: str) -> bool:
        try:
            data = await self._fetch(self._read, address)
        except KeyValueStoreError:
            return False
        return data is not None and self.version_of(data) == version

    async def _moved_address(self, collection: str, key: str) -> str:
        """Return the address of an entry, after moving its data from the address that the 0.5 series used."""
        address = self.names.address(collection, key)
        data = await self._read_former(address, collection, key)
        if data is not None:
            entry = await self._decode(collection, key, data)
            moved, ttl = await self._encode(collection, key, entry), remaining_ttl(entry)
            await self._change([address], lambda: self._write_if(address, moved, ttl, None))
            await self._take_former(address, collection, key)
        return address
