"""A store in one dictionary."""

from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.stores.base import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    ManagedEntry,
)
from key_value.aio.stores.base.encoding import decode, encode


class SimpleStore(
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
):
    """A store in one dictionary: what a store needs and nothing more, to learn from and to test with.

    Use `MemoryStore` for anything that has to be fast or to stay small.
    """

    @warns_on_wrong_types
    def __init__(self, max_entries: int | None = None, default_collection: str | None = None) -> None:
        """Make an empty store.

        Args:
            max_entries: Entries that it may have before it forgets the one that was first stored; None sets
                no limit.
            default_collection: The collection used where none is named.

        Raises:
            ValueError: `max_entries` is less than 1.
        """
        if max_entries is not None and max_entries < 1:
            raise ValueError(f"max_entries must be 1 or more, not {max_entries}")
        super().__init__(default_collection=default_collection)
        self.max_entries = max_entries
        self._texts: dict[tuple[str, str], tuple[str, ManagedEntry]] = {}

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        if (collection, key) not in self._texts:
            return None
        text, entry = self._texts[collection, key]
        return ManagedEntry(
            value=await decode(text), created_at=entry.created_at, expires_at=entry.expires_at
        )

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
        # All of them are encoded before any is stored: one that is not JSON refuses the batch.
        texts = [await encode(entry.value) for entry in managed_entries]
        for key, text, entry in zip(keys, texts, managed_entries, strict=True):
            self._store(collection, key, text, entry)

    @override
    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        text = await encode(managed_entry.value)
        if self._is_living(collection, key):
            return False
        self._store(collection, key, text, managed_entry)
        return True

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        living = self._is_living(collection, key)
        self._texts.pop((collection, key), None)
        return living

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        return [key for found, key in self._texts if found == collection and self._is_living(found, key)]

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return [collection for collection, key in self._texts if self._is_living(collection, key)]

    @override
    async def _delete_store(self) -> bool:
        self._texts.clear()
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        found = [address for address in self._texts if address[0] == collection]
        for address in found:
            del self._texts[address]
        return bool(found)

    @override
    async def _cull(self) -> None:
        for collection, key in list(self._texts):
            if not self._is_living(collection, key):
                del self._texts[collection, key]

    def _is_living(self, collection: str, key: str) -> bool:
        found = self._texts.get((collection, key))
        return found is not None and not found[1].is_expired

    def _store(self, collection: str, key: str, text: str, entry: ManagedEntry) -> None:
        is_new = (collection, key) not in self._texts
        if is_new and self.max_entries is not None and len(self._texts) >= self.max_entries:
            del self._texts[next(iter(self._texts))]
        times = ManagedEntry(value={}, created_at=entry.created_at, expires_at=entry.expires_at)
        self._texts[collection, key] = (text, times)
