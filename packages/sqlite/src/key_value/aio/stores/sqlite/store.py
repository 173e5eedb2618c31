"""A store in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio.errors import BaseKeyValueError, DeserializationError
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
from key_value.aio.stores.base.driver_errors import sqlite_error
from key_value.aio.stores.base.encoding import decode, encode
from key_value.aio.stores.base.worker import Worker
from key_value.aio.stores.sqlite import statements
from key_value.aio.stores.sqlite.database import MEMORY, Database, Durability

_names = EscapingStrategy()


class SQLiteStore(
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
):
    """A store in a SQLite file: durable, without a server, shared by any number of processes on one machine.

    Each batch is one transaction, and what several tasks ask for at once is another. SQLite runs in a thread
    of the store's own, so the event loop never waits for the disk. The file is made, for its owner alone, by
    the first write; reading creates nothing. Expired entries stay in it until `cull`.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        path: Path | str,
        *,
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
        timeout: float = 5.0,
        durability: Durability = "normal",
    ) -> None:
        """Name a file; nothing is opened before it is used.

        Args:
            path: The file, `~` for the home directory; `:memory:` keeps everything in memory until the store
                is closed.
            default_collection: The collection used where none is named.
            seed: `{collection: {key: value}}` to store where nothing is stored yet.
            timeout: Seconds to wait for another process that is writing.
            durability: `normal` survives the end of the process at any moment, `full` also the loss of power,
                for an fsync with each transaction: https://www.sqlite.org/pragma.html#pragma_synchronous

        Raises:
            ValueError: `durability` is neither.
        """
        if durability not in ("normal", "full"):
            raise ValueError(f"durability must be 'normal' or 'full', not {durability!r}")
        super().__init__(default_collection=default_collection, seed=seed)
        self.path = MEMORY if str(path) == MEMORY else str(Path(path).expanduser())
        database = partial(
            Database,
            self.path,
            table=statements.TABLE,
            schema=statements.SCHEMA,
            timeout=timeout,
            durability=durability,
        )
        self._worker = Worker(f"SQLiteStore {self.path}", database)

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)
        await self._worker.run(lambda connection: statements.list_collections(connection, 1))

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        if not isinstance(error, sqlite3.Error):
            return None
        return sqlite_error(error, {"store": type(self).__name__, "path": self.path})

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        place = _names.sanitize(collection), _names.sanitize(key)
        found = await self._worker.run(lambda connection: statements.get(connection, *place))
        return None if found is None else await self._entry(collection, key, found)

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        places = {key: _names.sanitize(key) for key in keys}
        found = await self._worker.run(
            lambda connection: statements.get_many(connection, _names.sanitize(collection), places.values())
        )
        return [
            await self._entry(collection, key, found[place]) if place in found else None
            for key, place in places.items()
        ]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        row = await _row(_names.sanitize(collection), key, managed_entry)
        await self._worker.run(lambda connection: statements.put(connection, row), writes=True)

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
        place = _names.sanitize(collection)
        rows = [await _row(place, key, entry) for key, entry in zip(keys, managed_entries, strict=True)]
        await self._worker.run(lambda connection: statements.put_many(connection, rows), writes=True)

    @override
    async def _put_managed_entry_if_absent(
        self, *, collection: str, key: str, managed_entry: ManagedEntry
    ) -> bool:
        row = await _row(_names.sanitize(collection), key, managed_entry)
        return await self._worker.run(
            lambda connection: statements.put_if_absent(connection, row), writes=True
        )

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        return await self._delete_managed_entries(keys=[key], collection=collection) > 0

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        places = [_names.sanitize(key) for key in keys]
        return await self._worker.run(
            lambda connection: statements.delete(connection, _names.sanitize(collection), places),
            writes=True,
        )

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        keys = await self._worker.run(
            lambda connection: statements.list_keys(connection, _names.sanitize(collection), limit)
        )
        return _originals(keys)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return _originals(
            await self._worker.run(lambda connection: statements.list_collections(connection, limit))
        )

    @override
    async def _delete_store(self) -> bool:
        return await self._worker.run(statements.delete_all, writes=True)

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._worker.run(
            lambda connection: statements.delete_collection(connection, _names.sanitize(collection)),
            writes=True,
        )

    @override
    async def _cull(self) -> None:
        while await self._worker.run(statements.cull_some, writes=True):
            pass

    async def _entry(self, collection: str, key: str, found: statements.Found) -> ManagedEntry:
        text, created, expires = found
        try:
            return ManagedEntry.from_epochs(await decode(text), created, expires)
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error


async def _row(place: str, key: str, entry: ManagedEntry) -> statements.Row:
    """The row of an entry in a collection that is already sanitized."""
    text = await encode(entry.value)
    return (place, _names.sanitize(key), text, entry.created_epoch, entry.expires_epoch)


def _originals(names: Sequence[str]) -> list[str]:
    return [name for name in map(_names.try_unsanitize, names) if name is not None]
