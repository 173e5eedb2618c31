"""A store in one dictionary."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import NamedTuple

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.stores.base.codec import decode, encode
from key_value.aio.stores.base.paged_store import Listed, ListedPage, PagedStore
from key_value.aio.stores.base.versioned_store import VersionedStore


class _Stored(NamedTuple):
    text: str
    created: float | None
    expires: float | None
    version: str


class SimpleStore(VersionedStore, PagedStore):
    """A minimal store in one dictionary, to learn from and to test with.

    Use `MemoryStore` if the store has to be fast or stay small.
    """

    @warns_on_wrong_types
    def __init__(self, max_entries: int | None = None, default_collection: str | None = None) -> None:
        """Create an empty store.

        Args:
            max_entries: Maximum number of entries; when it is reached, the entry that was first stored is
                dropped. None sets no limit.
            default_collection: Collection used when a call does not name one.

        Raises:
            ValueError: `max_entries` is less than 1.
        """
        if max_entries is not None and max_entries < 1:
            raise ValueError(f"max_entries must be 1 or more, not {max_entries}")
        super().__init__(default_collection=default_collection)
        self.max_entries = max_entries
        self._entries: dict[tuple[str, str], _Stored] = {}
        self._versions = count(1)

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        found = await self._get_versioned_entry(collection=collection, key=key)
        return None if found is None else found[0]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        self._store(collection, key, await encode(managed_entry.value), managed_entry)

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
        # Encode all values before storing any, so that one that is not JSON fails the whole batch.
        texts = [await encode(entry.value) for entry in managed_entries]
        for key, text, entry in zip(keys, texts, managed_entries, strict=True):
            self._store(collection, key, text, entry)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        removed = self._entries.pop((collection, key), None)
        return removed is not None and not Listed(collection, key, removed.expires).is_expired

    @override
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        stored = self._entries.get((collection, key))
        if stored is None:
            return None
        return ManagedEntry.from_epochs(
            await decode(stored.text), stored.created, stored.expires
        ), stored.version

    @override
    async def _put_entry_if(
        self, *, collection: str, key: str, managed_entry: ManagedEntry, version: str | None
    ) -> str | None:
        text = await encode(managed_entry.value)
        stored = self._entries.get((collection, key))
        if (None if stored is None else stored.version) != version:
            return None
        return self._store(collection, key, text, managed_entry)

    @override
    async def _delete_entry_if(self, *, collection: str, key: str, version: str) -> bool:
        stored = self._entries.get((collection, key))
        if stored is None or stored.version != version:
            return False
        del self._entries[collection, key]
        return True

    @override
    async def _list_page(
        self, *, collection: str | None, prefix: str, cursor: str | None, limit: int
    ) -> ListedPage:
        after = ("", "") if cursor is None else tuple(json.loads(cursor))
        # Sorted by name, so that an entry that stays is on exactly one page, whatever is added or removed.
        names = sorted(name for name in self._entries if collection in (None, name[0]) and name > after)
        page = names[:limit]
        listed = [Listed(*name, self._entries[name].expires, name) for name in page]
        return ListedPage(listed, json.dumps(page[-1]) if len(names) > limit else None)

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        for entry in entries:
            self._entries.pop(entry.handle, None)

    def _store(self, collection: str, key: str, text: str, entry: ManagedEntry) -> str:
        is_new = (collection, key) not in self._entries
        if is_new and self.max_entries is not None and len(self._entries) >= self.max_entries:
            del self._entries[next(iter(self._entries))]
        version = str(next(self._versions))
        self._entries[collection, key] = _Stored(text, entry.created_epoch, entry.expires_epoch, version)
        return version
