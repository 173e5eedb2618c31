"""The base of embedded stores that keep one row of a table for each entry."""

import re
from abc import ABC
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.time_to_live import parse_epoch
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.abilities import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
)
from key_value.aio.stores.base.encoding import decode, encode
from key_value.aio.stores.base.joint import Joint
from key_value.aio.stores.base.store import SEED_DATA_TYPE
from key_value.aio.stores.base.table import Found, Place, Row, Table, delete, get, put
from key_value.aio.stores.base.worker import Worker, Workshop

_names = EscapingStrategy()

_TABLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class TableStore(
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
    ABC,
):
    """A store in a table, which one thread of its own uses; what tasks ask for at once is one statement."""

    def __init__(
        self,
        begin: Callable[[], Workshop[Any]],
        *,
        table_name: str,
        auto_create: bool,
        default_collection: str | None,
        seed: SEED_DATA_TYPE | None,
    ) -> None:
        """Say where the rows are; nothing is opened before it is used.

        Args:
            begin: Makes a workshop with a `Table`; called in the thread.
            table_name: The name of the table.
            auto_create: Whether the table is made where it is missing; otherwise that is a `StoreSetupError`.
            default_collection: The collection used where none is named.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.

        Raises:
            ValueError: The name is none that stands in SQL without quotes.
        """
        if not _TABLE_NAME.fullmatch(table_name):
            raise ValueError(
                "Table name must start with a letter or underscore and contain only letters, digits, "
                "or underscores"
            )
        super().__init__(default_collection=default_collection, seed=seed)
        self._table_name = table_name
        self._auto_create = auto_create
        self._worker: Worker[Table] = Worker(f"{type(self).__name__} {table_name}", begin)

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)
        exists = await self._worker.run(lambda table: table.exists())
        if not exists and not self._auto_create:
            raise ValueError(
                f"Table '{self._table_name}' does not exist. "
                "Either create the table manually or set auto_create=True."
            )

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        [found] = await self._worker.run(Joint(get, [_place(collection, key)]))
        return None if found is None else await self._entry(collection, key, found)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        places = [_place(collection, key) for key in keys]
        return [
            None if found is None else await self._entry(collection, key, found)
            for key, found in zip(keys, await self._worker.run(Joint(get, places)), strict=True)
        ]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        row = await self._row(collection, key, managed_entry)
        await self._worker.run(Joint(put, [row]), writes=True)

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
        entries = zip(keys, managed_entries, strict=True)
        rows = [await self._row(collection, key, entry) for key, entry in entries]
        await self._worker.run(Joint(put, rows), writes=True)

    @override
    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        row = await self._row(collection, key, managed_entry)
        return await self._worker.run(lambda table: table.put_if_absent(row), writes=True)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return await self._delete_managed_entries(keys=[key], collection=collection) > 0

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        places = [_place(collection, key) for key in keys]
        return await self._worker.run(Joint(delete, places), writes=True)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        place = _names.sanitize(collection)
        return _originals(await self._worker.run(lambda table: table.list_keys(place, limit)))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return _originals(await self._worker.run(lambda table: table.list_collections(limit)))

    @override
    async def _delete_store(self) -> bool:
        await self._worker.run(lambda table: table.delete_all(), writes=True)
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        place = _names.sanitize(collection)
        return await self._worker.run(lambda table: table.delete_collection(place), writes=True)

    @override
    async def _cull(self) -> None:
        while await self._worker.run(lambda table: table.cull(), writes=True):
            pass

    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        """Hook: the row of an entry; it refuses a value that the table cannot hold."""
        text = await encode(entry.value)
        return *_place(collection, key), text, entry.created_epoch, entry.expires_epoch

    async def _entry(self, collection: str, key: str, found: Found) -> ManagedEntry:
        text, created, expires = found
        try:
            expires_epoch = parse_epoch(expires) if isinstance(expires, str) else expires
            return ManagedEntry.from_epochs(await decode(text), created, expires_epoch)
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error


def _place(collection: str, key: str) -> Place:
    return _names.sanitize(collection), _names.sanitize(key)


def _originals(names: Sequence[str]) -> list[str]:
    return [name for name in map(_names.try_unsanitize, names) if name is not None]
