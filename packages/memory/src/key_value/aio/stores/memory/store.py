"""A store in the memory of the process."""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar

from typing_extensions import override

from key_value.aio.stores.base import (
    SEED_DATA_TYPE,
    Listed,
    ListedPage,
    ManagedEntry,
    PagedStore,
    VersionedStore,
    restore,
    snapshot,
    warns_on_wrong_types,
)
from key_value.aio.stores.memory.entries import Entries

T = TypeVar("T")

ENTRIES_PER_TURN = 10_000
"""Number of entries to read or free in one turn of the event loop."""

SCANS = 16
"""Number of scans whose keys are kept between pages."""


class MemoryStore(VersionedStore, PagedStore):
    """A store in the memory of the process, for caches, for tests, and as a framework's default.

    Values are copied in and out, so callers never share objects. Later puts remove expired entries a few at a
    time, and `cull` removes them all. The store may be used from several threads and event loops. `close`
    keeps the entries until the store is opened again.

    A scan of more than one page keeps the keys with which it started. Of unfinished scans, only the latest 16
    can be continued.
    """

    reclaim_after = None  # Every put removes entries that are due.

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        max_entries_per_collection: int | None = None,
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
    ) -> None:
        """Initialize an empty store.

        Args:
            max_entries_per_collection: Maximum number of entries per collection, beyond which the least
                recently used one is dropped; None sets no limit.
            default_collection: Collection used when a call does not name one.
            seed: Initial entries as `{collection: {key: value}}`.

        Raises:
            ValueError: `max_entries_per_collection` is less than 1.
        """
        if max_entries_per_collection is not None and max_entries_per_collection < 1:
            raise ValueError(
                f"max_entries_per_collection must be 1 or more, not {max_entries_per_collection}"
            )
        super().__init__(default_collection=default_collection, seed=seed)
        self.max_entries_per_collection = max_entries_per_collection or sys.maxsize
        self._entries = Entries(self.max_entries_per_collection)
        self._scans: OrderedDict[str, list[str]] = OrderedDict()
        self._scan_numbers = count(1)

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        found = self._entries.get(collection, key)
        if found is None:
            return None
        copied, expires = found
        return ManagedEntry.from_epochs(await restore(copied), None, expires)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        return [await self._get_managed_entry(collection=collection, key=key) for key in keys]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        copied = await snapshot(managed_entry.value)
        self._entries.put(collection, ((key, copied),), managed_entry.ttl, managed_entry.expires_epoch)

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
        copied = [await snapshot(entry.value) for entry in managed_entries]
        self._entries.put(collection, zip(keys, copied, strict=True), ttl, managed_entries[0].expires_epoch)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return self._entries.take(collection, key) is not None

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        return sum(self._entries.take(collection, key) is not None for key in keys)

    @override
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        found = self._entries.get_versioned(collection, key)
        if found is None:
            return None
        copied, expires, version = found
        return ManagedEntry.from_epochs(await restore(copied), None, expires), version

    @override
    async def _put_entry_if(
        self, *, collection: str, key: str, managed_entry: ManagedEntry, version: str | None
    ) -> str | None:
        copied = await snapshot(managed_entry.value)
        ttl, expires = managed_entry.ttl, managed_entry.expires_epoch
        return self._entries.put_if(collection, key, copied, ttl, expires, version)

    @override
    async def _delete_entry_if(self, *, collection: str, key: str, version: str) -> bool:
        return self._entries.delete_if(collection, key, version)

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        found = self._entries.take(collection, key)
        return None if found is None else ManagedEntry.from_epochs(await restore(found[0]), None, found[1])

    @override
    async def _list_page(
        self, *, collection: str | None, prefix: str, cursor: str | None, limit: int
    ) -> ListedPage:
        if collection is None:
            return ListedPage([Listed(name, "", None) for name in self._entries.collections()], None)
        number, keys, start = self._continued(collection, cursor)
        entries = self._entries.listed(collection, keys[start : start + limit])
        if start + limit >= len(keys):
            self._scans.pop(number, None)
            return ListedPage(entries, None)
        self._scans[number] = keys
        self._scans.move_to_end(number)
        while len(self._scans) > SCANS:
            self._scans.popitem(last=False)
        return ListedPage(entries, f"{number} {start + limit}")

    def _continued(self, collection: str, cursor: str | None) -> tuple[str, list[str], int]:
        """Return the number of a scan, its keys, and the position of its next page."""
        if cursor is None:
            return str(next(self._scan_numbers)), self._entries.keys(collection), 0
        number, _, start = cursor.partition(" ")
        if number not in self._scans:
            raise ValueError(f"cursor belongs to a scan that has ended, or is older than the latest {SCANS}")
        return number, self._scans[number], int(start)

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        for entry in entries:
            self._entries.take(entry.collection, entry.key)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        if limit is not None and limit <= ENTRIES_PER_TURN:
            return self._entries.unexpired_keys(collection, limit)
        keys = self._entries.keys(collection)
        found: list[str] = []
        async for part in _in_turns(keys):
            listed = self._entries.listed(collection, part)
            found += [entry.key for entry in listed if not entry.is_expired]
        return found

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return self._entries.collections(limit)

    @override
    async def _delete_store(self) -> bool:
        for collection in self._entries.collections():
            await self._delete_collection(collection=collection)
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        removed = self._entries.remove_collection(collection)
        existed = bool(removed)
        # Freeing a million values at once would block the event loop.
        while len(removed) > ENTRIES_PER_TURN:
            for _ in range(ENTRIES_PER_TURN):
                removed.popitem()
            await asyncio.sleep(0)
        return existed

    @override
    async def _cull(self) -> None:
        while self._entries.remove_due(ENTRIES_PER_TURN):  # noqa: ASYNC110 -- lets the event loop run
            await asyncio.sleep(0)
        async for part in _in_turns(self._entries.begun()):
            self._entries.remove_expired(part)


async def _in_turns(items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Yield items in chunks, each in a separate turn of the event loop."""
    for start in range(0, len(items), ENTRIES_PER_TURN):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + ENTRIES_PER_TURN]
