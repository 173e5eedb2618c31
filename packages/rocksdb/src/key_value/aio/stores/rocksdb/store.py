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
"""Maximum size of a value in bytes that is written on the event loop."""

PAGE_BYTES = 4_000_000
"""Size of documents in bytes after which a page ends."""


_EXPIRES = b'"expires_at": "'


class RocksDBStore(VersionedBytesStore, PagedBytesStore):
    """A store in a RocksDB directory: the fastest on disk, for one store in one process at a time.

    Another process or store that opens the same directory gets a `StoreConnectionError`.

    A single small entry is written on the event loop, which takes microseconds, unless RocksDB would have to
    wait. A single entry is also read there. All other operations run in a separate thread. The first write
    creates the directory, which is accessible to its owner only; reads create nothing.
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
        """Initialize with a path or an open database; a path is opened on first use.

        Args:
            db: Open database to use instead of a path. The store does not close it, and writes with its write
                options, always in the thread. Data other than entries is neither listed nor removed.
            path: Directory, where `~` is the home directory.
            options: Options for opening the path, as rocksdict's `Options`.
            default_collection: Collection used when a call does not name one.
            auto_create: Whether to create a missing directory.
            durability: `normal` survives the end of the process at any moment. `full` also survives a power
                loss, with one fsync per write to a path.

        Raises:
            ValueError: Not exactly one of `db` and `path` is given, the directory is missing and
                `auto_create` is False, or `durability` has another value.
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
        """One item per change that waits for the thread; list operations are thread-safe."""

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
        # Reading all these documents on the event loop would take as long as the put itself.
        work = partial(_expired, cursor=self._reclaim_cursor, count=count)
        page = await self._worker.run(lambda engine: engine.read(work, AddressPage([], None)))
        found = await self._remove_expired(await self._entries(page.items))
        return self._note_reclaimed(found, page.cursor)

    async def _alter(self, change: Change[T], nothing: T, *, size: int = 0, makes: bool = False) -> T:
        """Change the database, at once if the change is small and none is waiting, else in the thread."""
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
    """Return a value as bytes; a value of another type is returned as empty, which is not a document."""
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
    """Read up to `count` documents, and list those that seem to have expired."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")[:19].encode()
    found: list[tuple[str, bytes | None]] = []
    size, after = 0, cursor
    # A disk error ends this iterator in the same way as the end of the data. It is twice as fast as `_walk`.
    for address, data in db.items(from_key=cursor or ""):
        if not isinstance(address, str):
            break
        if address == cursor or not isinstance(data, bytes):
            continue
        if count <= 0 or size >= PAGE_BYTES:
            return AddressPage(found, after)
        # Fields are sorted, so the first expiry time in a document is its own, and it is always in UTC.
        at = data.find(_EXPIRES)
        if at >= 0 and data[at + len(_EXPIRES) : at + len(_EXPIRES) + len(now)] <= now:
            found.append((address, data))
            size += len(data)
        count -= 1
        after = address
    return AddressPage(found, None)


def _walk(db: Rdict, prefix: str, cursor: str | None) -> Iterator[tuple[str, bytes]]:
    """Iterate over the addresses after a cursor that start with a prefix, and their documents."""
    iterator = db.iter()
    iterator.seek(prefix if cursor is None else max(prefix, cursor))
    while iterator.valid():
        address = iterator.key()
        # All text keys are adjacent.
        if not isinstance(address, str) or not address.startswith(prefix):
            return
        if address != cursor:
            yield address, _bytes(iterator.value()) or b""
        iterator.next()
    iterator.status()
