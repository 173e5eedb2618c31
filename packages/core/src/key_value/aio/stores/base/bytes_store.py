"""The base of stores that keep one blob of bytes for each key."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from typing_extensions import override

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.batches import for_each
from key_value.aio.stores.base.pacing import SMALL, is_busy, spend, wait_for_room
from key_value.aio.stores.base.store import BaseStore

SHORTEST_TTL = 1e-6
"""Seconds that a backend is told at least: an entry may expire on its way there."""


class DocumentStore(BaseStore):
    """A store whose backend keeps one JSON document for each entry, encoded and decoded here.

    The document names its key and collection, as the 0.5 series wrote it.
    """

    def _names_in_document(self, collection: str, key: str) -> tuple[str | None, str | None]:
        """Hook: the collection and key that a document names, each None where it is left out."""
        return collection, key

    async def _encode(self, collection: str, key: str, entry: ManagedEntry) -> bytes:
        if is_busy():
            await wait_for_room()
        named_collection, named_key = self._names_in_document(collection, key)
        text = self._serialization_adapter.dump_json(entry, key=named_key, collection=named_collection)
        spend(len(text))
        return text.encode()

    async def _decode(self, collection: str, key: str, data: bytes) -> ManagedEntry:
        if len(data) > SMALL:
            await wait_for_room()
            spend(len(data))
        try:
            return self._serialization_adapter.load_json(data)
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error


class BytesStore(DocumentStore):
    """A store whose backend keeps one blob of bytes for each key.

    A blob is the JSON document of the entry in UTF-8. The times in it decide what has expired; the `ttl` that
    a hook is given lets the backend forget it, and is rounded up, never down.
    """

    @abstractmethod
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        """Hook: what is stored for a key, or None."""

    @abstractmethod
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        """Hook: store bytes, for at least `ttl` seconds where that is not None."""

    @abstractmethod
    async def _delete(self, *, collection: str, key: str) -> bool:
        """Hook: remove what is stored for a key; True where there was something."""

    async def _get_many_bytes(self, *, collection: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Hook: what is stored for several keys, in their order."""
        return await for_each(
            keys,
            lambda index: self._get_bytes(collection=collection, key=keys[index]),
            name="get_many",
            max_concurrency=self.max_concurrency,
        )

    async def _put_many_bytes(
        self, *, collection: str, keys: Sequence[str], data: Sequence[bytes], ttl: float | None
    ) -> None:
        """Hook: store bytes for each of several keys."""
        await for_each(
            keys,
            lambda index: self._put_bytes(collection=collection, key=keys[index], data=data[index], ttl=ttl),
            name="put_many",
            max_concurrency=self.max_concurrency,
        )

    async def _put_bytes_if_absent(
        self, *, collection: str, key: str, data: bytes, ttl: float | None
    ) -> bool:
        """Hook of a `BasePutIfAbsentStore`: store bytes unless there are some, atomically."""
        raise NotImplementedError

    async def _delete_many(self, *, collection: str, keys: Sequence[str]) -> int:
        """Hook: remove what is stored for several keys; for how many there was something."""
        deleted = await for_each(
            keys,
            lambda index: self._delete(collection=collection, key=keys[index]),
            name="delete_many",
            max_concurrency=self.max_concurrency,
        )
        return sum(deleted)

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        data = await self._get_bytes(collection=collection, key=key)
        return None if data is None else await self._decode(collection, key, data)

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        data = await self._encode(collection, key, managed_entry)
        await self._put_bytes(collection=collection, key=key, data=data, ttl=_remaining(managed_entry))

    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        data = await self._encode(collection, key, managed_entry)
        return await self._put_bytes_if_absent(
            collection=collection, key=key, data=data, ttl=_remaining(managed_entry)
        )

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return await self._delete(collection=collection, key=key)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        found = await self._get_many_bytes(collection=collection, keys=keys)
        return [
            None if data is None else await self._decode(collection, key, data)
            for key, data in zip(keys, found, strict=True)
        ]

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
        data = [
            await self._encode(collection, key, entry)
            for key, entry in zip(keys, managed_entries, strict=True)
        ]
        await self._put_many_bytes(
            collection=collection, keys=keys, data=data, ttl=_remaining(managed_entries[0])
        )

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        return await self._delete_many(collection=collection, keys=keys)


def _remaining(entry: ManagedEntry) -> float | None:
    seconds = entry.ttl
    return None if seconds is None else max(seconds, SHORTEST_TTL)
