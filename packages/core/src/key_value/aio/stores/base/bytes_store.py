"""The base class of stores that keep each entry as one document of bytes at an address."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.codec import (
    SMALL,
    Header,
    admit,
    budgets,
    charge,
    read_header,
    wait_for_budget,
    write_id,
)
from key_value.aio.stores.base.gathered_reads import GatheredReads
from key_value.aio.stores.base.hooked_store import HookedStore

T = TypeVar("T")
ItemT = TypeVar("ItemT")

SHORTEST_TTL = 1e-6
"""Minimum TTL passed to a backend, in seconds, since an entry may expire on its way there."""


class BytesStore(HookedStore, ABC):
    """A store whose backend maps addresses to bytes: files, objects, values of a key-value server.

    The bytes are the JSON document of an entry, in the format of the 0.5 series. `names` builds the address.
    The times in the document determine whether an entry has expired; the `ttl` passed to a hook only lets the
    backend drop the entry, and must be rounded up, never down.

    Batch hooks return a result for each item, in order. An exception instead of a result means that only
    this item was rejected. By default they call the hooks for single items, `max_concurrency` at a time.
    """

    _gives_write_ids = False
    """Whether a document gets a random ID, so that the documents of two writes of an equal value differ."""

    def __init__(self, **kwargs: Any) -> None:
        """Create a store. Nothing is opened or created before its first use.

        Args:
            **kwargs: Arguments of `HookedStore`.
        """
        super().__init__(**kwargs)
        self._reads = GatheredReads[str, bytes | Exception](
            lambda addresses: self._fetch(self._read_many, addresses), self._run_in_background
        )

    @abstractmethod
    async def _read(self, address: str) -> bytes | None:
        """Hook: return the bytes at an address, or None if nothing is stored there."""

    @abstractmethod
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        """Hook: store bytes at an address for at least `ttl` seconds; None means without expiry."""

    @abstractmethod
    async def _remove(self, address: str) -> None:
        """Hook: remove the bytes at an address, if there are any."""

    async def _take(self, address: str) -> bytes | None:
        """Hook: remove the bytes at an address and return them; None if nothing was stored there."""
        try:
            data = await self._read(address)
        except DeserializationError:
            data = b""  # The entry cannot be read, but it exists.
        if data is not None:
            await self._remove(address)
        return data

    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        """Hook: return the bytes at several addresses."""
        return await self._each(self._read, addresses)

    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        """Hook: store bytes at several addresses."""
        return await self._each(lambda item: self._write(*item, ttl), items)

    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        """Hook: remove the bytes at several addresses."""
        return await self._each(self._remove, addresses)

    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        """Hook: remove the bytes at several addresses and return them."""
        return await self._each(self._take, addresses)

    async def _take_if(
        self, addresses: Sequence[str], is_own: Callable[[str, bytes], bool]
    ) -> Sequence[bytes | Exception | None]:
        """Hook: like `_take_many`, but take only the bytes for which `is_own` returns True.

        An address may be repeated; the taken bytes are returned for only one of its occurrences.
        """
        found = dict(zip(addresses, await self._read_many(addresses), strict=True))
        own = [
            address
            for address, data in found.items()
            if data is not None and (isinstance(data, Exception) or is_own(address, data))
        ]
        taken = dict(zip(own, await self._take_many(own), strict=True)) if own else {}
        return [taken.pop(address, None) for address in addresses]

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        address = self.names.address(collection, key)
        try:
            data = await (
                self._read_with_others(address) if self.gathers_reads else self._fetch(self._read, address)
            )
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error
        if data is None or self.names.may_collide(key):
            data = await self._own(data, address, collection, key)
        return None if data is None else await self._decode(collection, key, data)

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        address = self.names.address(collection, key)
        data, ttl = await self._encode(collection, key, managed_entry), remaining_ttl(managed_entry)
        await self._change([address], lambda: self._write(address, data, ttl), repeatable=True)
        if self.names.former(address, collection, key) is not None:
            await self._take_former(address, collection, key)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        address = self.names.address(collection, key)
        data = await self._change([address], lambda: self._take_own(address, collection, key))
        former = await self._take_former(address, collection, key)
        return _is_unexpired(former if data is None else data)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        addresses = [self.names.address(collection, key) for key in keys]

        async def read(part: slice) -> Sequence[bytes | Exception | None]:
            results = await self._fetch(self._read_many, addresses[part])
            return [
                self._unreadable(collection, key, result)
                if isinstance(result, DeserializationError)
                else result
                for key, result in zip(keys[part], results, strict=True)
            ]

        found = await self._in_parts("get_many", keys, [0] * len(keys), read, self.read_limit)
        entries: list[ManagedEntry | None] = []
        for key, address, data in zip(keys, addresses, found, strict=True):
            if data is None or self.names.may_collide(key):
                data = await self._own(data, address, collection, key)  # noqa: PLW2901
            entries.append(None if data is None else await self._decode(collection, key, data))
        return entries

    @override
    async def _put_managed_entries(
        self,
        *,
        collection: str,
        keys: Sequence[str],
        managed_entries: Sequence[ManagedEntry],
        ttl: float | None,
        created_at: datetime,
        expires_at: datetime | None,
    ) -> None:
        addresses = [self.names.address(collection, key) for key in keys]
        data = [
            await self._encode(collection, key, entry)
            for key, entry in zip(keys, managed_entries, strict=True)
        ]
        seconds = remaining_ttl(managed_entries[0])

        async def write(part: slice) -> Sequence[Exception | None]:
            items = list(zip(addresses[part], data[part], strict=True))
            return await self._change(
                addresses[part], lambda: self._write_many(items, seconds), repeatable=True
            )

        await self._in_parts("put_many", keys, [len(each) for each in data], write)
        for key, address in zip(keys, addresses, strict=True):
            if self.names.former(address, collection, key) is not None:
                await self._take_former(address, collection, key)

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        addresses = [self.names.address(collection, key) for key in keys]

        async def take(part: slice) -> Sequence[bytes | Exception | None]:
            return await self._change(
                addresses[part], lambda: self._take_many_own(addresses[part], collection, keys[part])
            )

        taken = await self._in_parts("delete_many", keys, [0] * len(keys), take)
        former = [
            await self._take_former(address, collection, key)
            for key, address in zip(keys, addresses, strict=True)
        ]
        return sum(_is_unexpired(old if new is None else new) for new, old in zip(taken, former, strict=True))

    async def _read_with_others(self, address: str) -> bytes | None:
        found = await self._reads.get(address)
        if isinstance(found, Exception):
            raise self._ours(found)
        return found

    def _names_in_document(self, collection: str, key: str) -> tuple[str | None, str | None]:
        """Hook: return the collection and the key that a document records; None leaves one out."""
        return collection, key

    async def _encode(self, collection: str, key: str, entry: ManagedEntry) -> bytes:
        named_collection, named_key = self._names_in_document(collection, key)
        if budgets:
            await wait_for_budget()
        text = self._serialization_adapter.dump_json(entry, key=named_key, collection=named_collection)
        if len(text) > SMALL:
            charge(len(text))
        if self._gives_write_ids:
            # Readers of the 0.5 series ignore fields that they do not know.
            text = f'{text[:-1]}, "write_id": "{write_id()}"}}'
        return text.encode()

    async def _decode(self, collection: str, key: str, data: bytes) -> ManagedEntry:
        if len(data) > SMALL:
            await admit(len(data))
        try:
            return self._serialization_adapter.load_json(data)
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error

    def _is_entry(
        self, address: str, named: tuple[str | None, str | None] | None, collection: str, key: str
    ) -> bool:
        """Hook: return whether a document belongs to an entry whose address another entry may share.

        Args:
            address: Address of the document, the entry's current or former one.
            named: Collection and key recorded in the document; None if it cannot be read.
            collection: Collection of the entry.
            key: Key of the entry.
        """
        if address != self.names.address(collection, key):
            return named == (collection, key)
        return named is None or (named[0] in (None, collection) and named[1] in (None, key))

    def _holds_entry(self, address: str, data: bytes, collection: str, key: str) -> bool:
        header = header_of(data)
        return self._is_entry(address, None if header is None else header[:2], collection, key)

    async def _own(self, data: bytes | None, address: str, collection: str, key: str) -> bytes | None:
        """Return the data read at an entry's address if it is its document, otherwise its former document."""
        if data is None or not self._holds_entry(address, data, collection, key):
            return await self._read_former(address, collection, key)
        return data

    async def _take_own(self, address: str, collection: str, key: str) -> bytes | None:
        """Remove and return the data at an entry's address, if it is its document or cannot be read."""
        if not self.names.may_collide(key):
            return await self._take(address)
        [data] = await self._take_many_own([address], collection, [key])
        if isinstance(data, Exception):
            raise data
        return data

    async def _take_many_own(
        self, addresses: Sequence[str], collection: str, keys: Sequence[str]
    ) -> Sequence[bytes | Exception | None]:
        if not any(map(self.names.may_collide, keys)):
            return await self._take_many(addresses)
        return await self._take_if(
            addresses,
            lambda taken, data: any(
                self._holds_entry(taken, data, collection, key)
                for address, key in zip(addresses, keys, strict=True)
                if address == taken
            ),
        )

    async def _read_former(self, address: str, collection: str, key: str) -> bytes | None:
        """Return the document at the address that the 0.5 series used, if that address differs."""
        former = self.names.former(address, collection, key)
        if former is None:
            return None
        data = await self._fetch(self._read, former)
        return data if data is not None and self._holds_entry(former, data, collection, key) else None

    async def _take_former(self, address: str, collection: str, key: str) -> bytes | None:
        """Remove and return the document that `_read_former` finds."""
        former = self.names.former(address, collection, key)
        if former is None:
            return None
        data = await self._read_former(address, collection, key)
        if data is not None:
            await self._change([address], lambda: self._remove(former))
        return data

    async def _remove_unchanged(self, address: str, data: bytes) -> None:
        """Remove the bytes at an address if they are unchanged."""

        async def remove() -> None:
            if await self._read(address) == data:
                await self._remove(address)

        await self._change([address], remove)

    async def _each(
        self, operation: Callable[[ItemT], Awaitable[T]], items: Sequence[ItemT]
    ) -> list[T | Exception]:
        """Await an operation for each item, several at a time; an exception becomes that item's result."""
        results: list[Any] = [None] * len(items)

        async def work(remaining: Iterator[tuple[int, ItemT]]) -> None:
            for index, item in remaining:
                try:
                    results[index] = await operation(item)
                except Exception as error:  # noqa: BLE001 -- the result of this item
                    results[index] = error

        remaining = iter(enumerate(items))
        await asyncio.gather(*(work(remaining) for _ in range(min(self.max_concurrency, len(items)))))
        return results


def remaining_ttl(entry: ManagedEntry) -> float | None:
    """Return the minimum number of seconds that the backend must keep an entry; None means without expiry."""
    seconds = entry.ttl
    return None if seconds is None else max(seconds, SHORTEST_TTL)


def header_of(data: bytes) -> Header | None:
    """Return the header of a document; None if it cannot be read."""
    try:
        return read_header(data)
    except DeserializationError:
        return None


def _is_unexpired(data: bytes | None) -> bool:
    """Return whether there is an entry that has not expired; an unreadable entry counts as not expired."""
    if data is None:
        return False
    header = header_of(data)
    return header is None or not header.is_expired
