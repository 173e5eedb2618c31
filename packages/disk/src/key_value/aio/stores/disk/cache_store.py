"""What the stores on diskcache have in common."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar, cast

from typing_extensions import override

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio.errors import BaseKeyValueError, DeserializationError, KeyValueStoreError
from key_value.aio.stores.base import (
    BaseDestroyCollectionStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    DocumentStore,
)
from key_value.aio.stores.base.driver_errors import sqlite_error
from key_value.aio.stores.base.worker import Worker, Workshop
from key_value.aio.stores.disk.drawer import Step
from key_value.aio.stores.disk.table import Found, Table

T = TypeVar("T")


class CacheStore(DocumentStore, BaseEnumerateKeysStore, BaseDestroyCollectionStore, BasePutIfAbsentStore):
    """A store whose entries are rows of a cache, or of one for each collection."""

    def __init__(
        self, workshop: Callable[[], Workshop[Table]], *, name: str, default_collection: str | None
    ) -> None:
        """Say where the entries are.

        Args:
            workshop: Makes what to work in.
            name: What the thread is called.
            default_collection: The collection used where none is named.
        """
        super().__init__(default_collection=default_collection)
        self._worker = Worker(name, workshop)

    @abstractmethod
    def _place(self, collection: str) -> str:
        """Hook: which cache a collection is in."""

    @abstractmethod
    def _prefix(self, collection: str) -> str:
        """Hook: what the names of the collection's rows start with."""

    @abstractmethod
    def _name(self, collection: str, key: str) -> str:
        """Hook: the name of an entry's row."""

    @abstractmethod
    def _key(self, collection: str, name: str) -> str | None:
        """Hook: the key of the row of a name; None where it is not of the collection."""

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, sqlite3.Error):
            return sqlite_error(error, {"store": type(self).__name__})
        if isinstance(error, OSError) and error.errno is not None:
            return KeyValueStoreError(message=str(error), extra_info={"store": type(self).__name__})
        return None

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        (entry,) = await self._get_managed_entries(collection=collection, keys=[key])
        return entry

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        names = [self._name(collection, key) for key in keys]
        found = await self._look(self._place(collection), lambda table: table.get(names))
        return [
            await self._entry(collection, key, found[name]) if name in found else None
            for key, name in zip(keys, names, strict=True)
        ]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        row = await self._row(collection, key, managed_entry)
        await self._change(self._place(collection), lambda table: table.put(*row), creates=True)

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
        rows = [
            await self._row(collection, key, entry) for key, entry in zip(keys, managed_entries, strict=True)
        ]

        def put(table: Table) -> None:
            for row in rows:
                table.put(*row)

        await self._change(self._place(collection), put, creates=True)

    @override
    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        row = await self._row(collection, key, managed_entry)
        return await self._change(
            self._place(collection), lambda table: table.put_if_absent(*row), creates=True
        )

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return await self._delete_managed_entries(keys=[key], collection=collection) > 0

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        names = [self._name(collection, key) for key in keys]
        return await self._change(self._place(collection), lambda table: table.delete(names))

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        def list_keys(table: Table) -> list[str]:
            found = map(partial(self._key, collection), table.names(self._prefix(collection)))
            return list(islice((key for key in found if key is not None), limit))

        return await self._look(self._place(collection), list_keys)

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._change(
            self._place(collection),
            lambda table: table.clear(lambda name: self._key(collection, name) is not None),
        )

    async def _cull_place(self, place: str) -> None:
        """Remove what has expired from a cache, some of it at a time."""
        while await self._change(place, Table.cull_some):
            pass

    async def _look(self, place: str, action: Callable[[Table], T]) -> T:
        return cast("T", await self._worker.run(Step(action, place=place)))

    async def _change(self, place: str, action: Callable[[Table], T], *, creates: bool = False) -> T:
        return cast("T", await self._worker.run(Step(action, creates, place), writes=True))

    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> tuple[str, str, float | None]:
        document = await self._encode(collection, key, entry)
        return self._name(collection, key), document.decode(), entry.expires_epoch

    async def _entry(self, collection: str, key: str, found: Found) -> ManagedEntry:
        if isinstance(found.text, DeserializationError):
            raise self._unreadable(collection, key, found.text) from found.text
        entry = await self._decode(collection, key, found.text.encode())
        # What diskcache's own `touch` changed is not in the document.
        entry.expires_epoch = found.expires or entry.expires_epoch
        return entry
