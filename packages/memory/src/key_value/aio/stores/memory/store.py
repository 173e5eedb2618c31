"""A store in the memory of the process."""

import sys
from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.stores.base import (
    SEED_DATA_TYPE,
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    ManagedEntry,
)
from key_value.aio.stores.base.pacing import SMALL, is_busy, wait_for_room
from key_value.aio.stores.memory.entries import Entries
from key_value.aio.stores.memory.values import Packed, pack, unpack


class MemoryStore(
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
):
    """A store in the memory of the process, for caches, for tests, and as the default of a framework.

    Values are copied in and out, so that no caller holds what another one stored. Expired entries are removed
    by later puts, a few at a time, and by `cull` all at once. It may be used from several threads and event
    loops. `close` keeps the entries for when it is opened again.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        max_entries_per_collection: int | None = None,
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
    ) -> None:
        """Make an empty store.

        Args:
            max_entries_per_collection: Entries that a collection may have before it forgets the one least
                recently used.
            default_collection: The collection used where none is named.
            seed: `{collection: {key: value}}` to begin with.

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

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        entry = self._entries.get(collection, key)
        if entry is None:
            return None
        packed, expires = entry
        if len(packed) > SMALL:
            await wait_for_room()
        return ManagedEntry.from_epochs(unpack(packed), None, expires)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        return [await self._get_managed_entry(collection=collection, key=key) for key in keys]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        if is_busy():
            await wait_for_room()
        self._entries.put(
            collection, ((key, pack(managed_entry.value)),), managed_entry.ttl, managed_entry.expires_epoch
        )

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
        packed: list[Packed] = []
        for entry in managed_entries:
            if is_busy():
                await wait_for_room()
            packed.append(pack(entry.value))
        self._entries.put(collection, zip(keys, packed, strict=True), ttl, managed_entries[0].expires_epoch)

    @override
    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        if is_busy():
            await wait_for_room()
        packed = pack(managed_entry.value)
        return self._entries.put_if_absent(
            collection, key, packed, managed_entry.ttl, managed_entry.expires_epoch
        )

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return self._entries.delete(collection, key)

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        return sum(self._entries.delete(collection, key) for key in keys)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        return self._entries.keys(collection)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return self._entries.collections()

    @override
    async def _delete_store(self) -> bool:
        self._entries.clear()
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return self._entries.remove_collection(collection)

    @override
    async def _cull(self) -> None:
        self._entries.cull()
