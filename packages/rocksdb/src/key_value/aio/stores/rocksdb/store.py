"""A store in a RocksDB database."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar, cast

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.stores.base import (
    AddressPage,
    BatchLimit,
    Names,
    PagedBytesStore,
    VersionedBytesStore,
    Worker,
    absolute,
    warns_on_wrong_types,
)
from key_value.aio.stores.rocksdb.engine import (
    Change,
    Engine,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
    map_error,
)

T = TypeVar("T")

Durability = Literal["normal", "full"]

SMALL = 16_384
"""Bytes up to which a value is written on the event loop."""

PAGE_BYTES = 4_000_000
"""Bytes of documents after which a page ends."""


_EXPIRES = b'"expires_at": "'


class RocksDBStore(VersionedBytesStore, PagedBytesStore):
    """A store in a RocksDB directory: the fastest on disk, for one store of one process at a time.

    Another process that opens the directory, or another store, gets a `StoreConnectionError`.

    One entry that is small is written on the event loop, which takes microseconds, unless RocksDB would have
    to wait; so is one entry read. Everything else is done in a thread of the store's own. The directory is
    created, for its owner alone, by the first write; reading creates nothing.
    """

    names = Names(formerly=Names.PLAIN)
    batch_limit = BatchLimit(sys.maxsize, sys.maxsize)
    lists_in_order = True
    lists_unreadable = True
    writes_in_order = True
    url_parts = (("path", "path"),)

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
            default_collection: The collection used when a call names none.
            auto_create: Whether to create the directory if it is missing.
            durability: `normal` survives the end of the process at any moment, `full` also the loss of power,
                for an fsync with each write to a path.

        Raises:
            ValueError: Both a database and a path are given, or neither is, or the directory is missing and
                not to be created, or `durability` is neither.
        """
        if durability not in ("normal", "full"):
            raise ValueError(f"durability must be 'normal' or 'full', not {durability!r}")
        if db is not None and path is not None:
            raise ValueError("Provide only one of db or path")
        source = absolute(path, auto_create=auto_create) if path is not None else db
        if source is None:
            raise ValueError("Either db or path must be provided")
        super().__init__(default_collection=default_collection)
        self.location = str(source) if db is None else "db"
        self._engine = Engine(source, options, syncs=durability == "full")
        engine = self._engine
        self._worker = self._owns(Worker(repr(self), lambda: engine, close=Engine.close, forks=False))
        self._waiting: list[None] = []
        """One for each change that the thread has yet to do; lists are safe between threads."""

    @override
    async def _setup(self) -> None:
        await self._worker.run(Engine.find)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        return map_error(repr(self), error)

    @override
    async def _read(self, address: str) -> bytes | None:
        found = self._engine.read_at_once(address)
        return (await self._read_many([address]))[0] if found is None else _bytes(found[0])

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | None]:
        nothing: list[bytes | None] = [None] * len(addresses)
        return await self._worker.run(
            lambda engine: engine.read(lambda db: _get_many(db, addresses), nothing)
        )

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._alter(
            lambda db, options: db.put(address, data, options), None, size=len(data), makes=True
        )

    @override
    async def _write_many(self, items: Sequence[tuple[str, bytes]], ttl: float | None) -> Sequence[None]:
        def write(db: Rdict, options: WriteOptions | None) -> None:
            batch = WriteBatch()
            for address, data in items:
                batch.put(address, data)
            db.write(batch, options)

        await self._alter(write, None, size=sys.maxsize, makes=True)
        return [None] * len(items)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        def write(db: Rdict, options: WriteOptions | None) -> bool:
            if _version(db, address) != version:
                return False
            db.put(address, data, options)
            return True

        return await self._alter(write, False, size=len(data), makes=version is None)

    @override
    async def _remove(self, address: str) -> None:
        await self._alter(lambda db, options: db.delete(address, options), None)

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[None]:
        await self._take_many(addresses)
        return [None] * len(addresses)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        def remove(db: Rdict, options: WriteOptions | None) -> bool:
            if _version(db, address) != version:
                return False
            db.delete(address, options)
            return True

        return await self._alter(remove, False)

    @override
    async def _take(self, address: str) -> bytes | None:
        def take(db: Rdict, options: WriteOptions | None) -> bytes | None:
            data = _bytes(db.get(address))
            if data is not None:
                db.delete(address, options)
            return data

        return await self._alter(take, None)

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | None]:
        def take(db: Rdict, options: WriteOptions | None) -> list[bytes | None]:
            batch, found = WriteBatch(), _get_many(db, addresses)
            for address in addresses:
                batch.delete(address)
            db.write(batch, options)
            return found

        nothing: list[bytes | None] = [None] * len(addresses)
        return await self._alter(take, nothing, size=sys.maxsize)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        nothing = AddressPage([], None)
        work = partial(_page, prefix=prefix, cursor=cursor, limit=limit)
        return await self._worker.run(lambda engine: engine.read(work, nothing))

    @override
    async def _reclaim(self, count: int) -> bool:
        # A put takes so little that to read all these documents on the event loop would double it.
        work = partial(_expired, cursor=self._reclaim_cursor, count=count)
        page = await self._worker.run(lambda engine: engine.read(work, AddressPage([], None)))
        found = await self._remove_expired(await self._entries(page.items))
        return self._note_reclaimed(found, page.cursor)

    async def _alter(self, change: Change[T], nothing: T, *, size: int = 0, makes: bool = False) -> T:
        """Change the database: at once what is small and follows nothing that waits, else in the thread."""
        if size <= SMALL and not self._waiting:
            done = self._engine.try_at_once(change)
            if done is not None:
                return done[0]
        self._waiting.append(None)
        try:
            return await self._worker.run(
                lambda engine: engine.change(change, nothing, makes=makes), writes=True
            )
        finally:
            self._waiting.pop()


def _get_many(db: Rdict, addresses: Sequence[str]) -> list[bytes | None]:
    return [_bytes(value) for value in cast("list[object]", db.get([*addresses]))]


def _version(db: Rdict, address: str) -> str | None:
    data = _bytes(db.get(address))
    return None if data is None else RocksDBStore.version_of(data)


def _bytes(value: object) -> bytes | None:
    """Return a value as bytes; empty, which is no document, if it is of another type."""
    return value if value is None or isinstance(value, bytes) else b""


def _page(db: Rdict, *, prefix: str, cursor: str | None, limit: int) -> AddressPage:
    found: list[tuple[str, bytes | None]] = []
    size = 0
    for address, data in _walk(db, prefix, cursor):
        if len(found) >= limit or size >= PAGE_BYTES:
            return AddressPage(found, found[-1][0])
        found.append((address, data))
        size += len(data)
    return AddressPage(found, None)


def _expired(db: Rdict, *, cursor: str | None, count: int) -> AddressPage:
    """Look at so many documents, and list those that seem to have expired."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")[:19].encode()
    found: list[tuple[str, bytes | None]] = []
    size, after = 0, cursor
    # An error of the disk ends this iterator, which takes half the time of `_walk`, as the end does.
    for address, data in db.items(from_key=cursor or ""):
        if not isinstance(address, str):
            break
        if address == cursor or not isinstance(data, bytes):
            continue
        if count <= 0 or size >= PAGE_BYTES:
            return AddressPage(found, after)
        # Every document has its first time of expiry in UTC, and sorted.
        at = data.find(_EXPIRES)
        if at >= 0 and data[at + len(_EXPIRES) : at + len(_EXPIRES) + len(now)] <= now:
            found.append((address, data))
            size += len(data)
        count -= 1
        after = address
    return AddressPage(found, None)


def _walk(db: Rdict, prefix: str, cursor: str | None) -> Iterator[tuple[str, bytes]]:
    """Iterate over addresses that start with a prefix, after a cursor, and their documents."""
    iterator = db.iter()
    iterator.seek(prefix if cursor is None else max(prefix, cursor))
    while iterator.valid():
        address = iterator.key()
        # All keys that are text are neighbours.
        if not isinstance(address, str) or not address.startswith(prefix):
            return
        if address != cursor:
            yield address, _bytes(iterator.value()) or b""
        iterator.next()
    iterator.status()
