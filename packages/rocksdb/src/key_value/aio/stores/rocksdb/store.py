"""A store in a RocksDB database."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import BaseKeyValueError
from key_value.aio.stores.base import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    BytesStore,
)
from key_value.aio.stores.base.address import address, collection_prefix
from key_value.aio.stores.base.documents import Head
from key_value.aio.stores.rocksdb import scanning
from key_value.aio.stores.rocksdb.blobs import blob, blobs, lives
from key_value.aio.stores.rocksdb.database import Database
from key_value.aio.stores.rocksdb.driver import Options, Rdict, WriteBatch, WriteOptions, meaning
from key_value.aio.stores.rocksdb.scanning import EMPTY, Page

Durability = Literal["normal", "full"]


class RocksDBStore(
    BytesStore,
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
):
    """A store in a RocksDB directory: the fastest on disk, for one store of one process at a time.

    Another process that opens the directory, or another store, is told so by `StoreConnectionError`.

    One entry that is small is written on the event loop, which takes microseconds, unless RocksDB would have
    to wait; so is one entry read. Everything else is done in a thread of the store's own. The directory is
    made, for its owner alone, by the first write; reading creates nothing. Expired entries stay in it until
    `cull`.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        db: Rdict | None = None,
        path: Path | str | None = None,
        options: Options | None = None,
        default_collection: str | None = None,
        auto_create: bool = True,
        durability: Durability = "normal",
    ) -> None:
        """Name a database; nothing is opened before it is used.

        Args:
            db: An open database to use in place of a path; the store leaves it open and writes with its write
                options, always in the thread. What it holds besides entries is neither listed nor removed.
            path: The directory, `~` for the home directory.
            options: How RocksDB is to open the path, as rocksdict's `Options`.
            default_collection: The collection used where none is named.
            auto_create: Whether to make the directory where it is missing.
            durability: `normal` survives the end of the process at any moment, `full` also the loss of power,
                for an fsync with each write to a path.

        Raises:
            ValueError: Both a database and a path are given, or neither is, or the directory is missing and
                not to be made, or `durability` is neither.
        """
        if durability not in ("normal", "full"):
            raise ValueError(f"durability must be 'normal' or 'full', not {durability!r}")
        if db is not None and path is not None:
            raise ValueError("Provide only one of db or path")
        source = Path(path).expanduser() if path is not None else db
        if source is None:
            raise ValueError("Either db or path must be provided")
        if isinstance(source, Path) and not auto_create and not source.exists():
            message = f"Directory '{source}' does not exist. "
            raise ValueError(message + "Either create the directory manually or set auto_create=True.")
        super().__init__(default_collection=default_collection)
        self._database = Database(source, options, syncs=durability == "full")

    @override
    async def _setup(self) -> None:
        self._exit_stack.push_async_callback(self._leave)
        await self._database.open()

    async def _leave(self) -> None:
        with self._driver_errors:
            await self._database.close()

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        return meaning(error)

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        return blob(await self._database.get(address(collection, key)))

    @override
    async def _get_many_bytes(self, *, collection: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        places = [address(collection, key) for key in keys]
        nothing: list[bytes | None] = [None] * len(places)
        return await self._database.read(lambda db: blobs(db, places), nothing)

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        place = address(collection, key)

        def put(db: Rdict, options: WriteOptions | None) -> None:
            db.put(place, data, options)

        if self._database.try_at_once(put, len(data)) is None:
            await self._database.store(put)

    @override
    async def _put_many_bytes(
        self, *, collection: str, keys: Sequence[str], data: Sequence[bytes], ttl: float | None
    ) -> None:
        batch = WriteBatch()
        for key, each in zip(keys, data, strict=True):
            batch.put(address(collection, key), each)
        await self._database.store(lambda db, options: db.write(batch, options))

    @override
    async def _put_bytes_if_absent(
        self, *, collection: str, key: str, data: bytes, ttl: float | None
    ) -> bool:
        place = address(collection, key)

        def put(db: Rdict, options: WriteOptions | None) -> bool:
            if lives(blob(db.get(place))):
                return False
            db.put(place, data, options)
            return True

        done = self._database.try_at_once(put, len(data))
        return await self._database.store(put) if done is None else done[0]

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        place = address(collection, key)

        def delete(db: Rdict, options: WriteOptions | None) -> bool:
            found = blob(db.get(place))
            if found is not None:
                db.delete(place, options)
            return lives(found)

        done = self._database.try_at_once(delete)
        return await self._database.remove(delete, False) if done is None else done[0]

    @override
    async def _delete_many(self, *, collection: str, keys: Sequence[str]) -> int:
        places = [address(collection, key) for key in keys]

        def delete(db: Rdict, options: WriteOptions | None) -> int:
            batch = WriteBatch()
            for place in places:
                batch.delete(place)
            living = sum(map(lives, blobs(db, places)))
            db.write(batch, options)
            return living

        return await self._database.remove(delete, 0)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        start = collection_prefix(collection)
        return await self._walk(lambda db, at: scanning.find_keys(db, collection, at), start, limit)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return await self._walk(scanning.find_collections, "", limit)

    @override
    async def _delete_store(self) -> bool:
        await self._remove("", lambda _: True)
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._remove(collection_prefix(collection), lambda _: True)

    @override
    async def _cull(self) -> None:
        await self._remove("", scanning.has_expired)

    async def _walk(self, walk: Callable[[Rdict, str], Page], start: str, limit: int | None) -> list[str]:
        """What is found, some entries at a time, until there is enough."""
        found: list[str] = []
        at: str | None = start
        while at is not None and (limit is None or len(found) < limit):
            page = await self._database.read(lambda db, at=at: walk(db, at), EMPTY)
            found += page.found
            at = page.after
        return found

    async def _remove(self, prefix: str, dooms: Callable[[Head], bool]) -> bool:
        """Remove entries, some at a time; True where there were any."""
        removed = False
        at: str | None = prefix
        while at is not None:
            page = await self._database.remove(
                lambda db, options, at=at: scanning.remove(db, options, at, prefix, dooms), EMPTY
            )
            removed = removed or bool(page.found)
            at = page.after
        return removed
