"""The common base of both stores: caches that are opened on first use."""

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeAlias, TypeVar

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, DeserializationError, StoreConnectionError
from key_value.aio.stores.base import (
    AddressPage,
    BatchLimit,
    ManagedEntry,
    PagedKeysBytesStore,
    VersionedBytesStore,
    VersionedStore,
    Worker,
    sqlite_error,
)
from key_value.aio.stores.disk.cache import Cache
from key_value.aio.stores.disk.forms import Found

T = TypeVar("T")

MAXIMUM_OPEN = 64
"""Maximum number of open caches; the least recently used one is closed to open another."""

ROWS_PER_CULL = 1000

Opener: TypeAlias = Callable[[str, bool], Cache | None]
"""Opens the cache of a place and optionally creates it; returns None if it is missing."""


class CacheStore(VersionedBytesStore, PagedKeysBytesStore):
    """A store whose entries are rows of one cache, or of one cache per collection."""

    batch_limit = BatchLimit(1_000_000_000, 1_000_000_000)
    errors = ((OSError, StoreConnectionError),)
    writes_in_order = True
    reclaim_after = None

    def __init__(self, opener: Opener, *, default_collection: str | None) -> None:
        """Initialize with a function that opens caches.

        Args:
            opener: Function that opens the caches, in the store's thread.
            default_collection: Collection used when a call does not name one.
        """
        super().__init__(default_collection=default_collection)
        caches = partial(_Caches, opener)
        self._worker = self._owns(
            Worker(repr(self), caches, close=_Caches.close, transaction=_Caches.transaction)
        )

    def _split(self, address: str) -> tuple[str, str]:
        """Return the place of an address, and the name of its row."""
        return "", address

    async def _places(self) -> list[str]:
        """Return the places that have a cache, in order."""
        return [""]

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, sqlite3.Error):
            return sqlite_error(repr(self), error)
        return super()._map_error(error)

    @override
    async def _read(self, address: str) -> bytes | None:
        [data] = await self._read_many([address])
        if isinstance(data, Exception):
            raise data
        return data

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[Found | None]:
        place, names = self._split_all(addresses)
        found = await self._run(place, lambda cache: cache.get(names), dict[str, Found]())
        return [found.get(name) for name in names]

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._write_many([(address, data)], ttl)

    @override
    async def _write_many(self, items: Sequence[tuple[str, bytes]], ttl: float | None) -> Sequence[None]:
        place, names = self._split_all([address for address, _ in items])
        rows = list(zip(names, (data.decode() for _, data in items), strict=True))
        expires = _expires(ttl)

        def write(cache: Cache) -> None:
            for name, text in rows:
                cache.put(name, text, expires)

        await self._run(place, write, None, writes=True, makes=True)
        return [None] * len(items)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        place, name = self._split(address)
        text, expires = data.decode(), _expires(ttl)

        def write(cache: Cache) -> bool:
            return cache.put_if(name, text, expires, version)

        return await self._run(place, write, False, writes=True, makes=version is None)

    @override
    async def _remove(self, address: str) -> None:
        await self._remove_many([address])

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[None]:
        place, names = self._split_all(addresses)
        await self._run(place, lambda cache: cache.delete(names), None, writes=True)
        return [None] * len(addresses)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        place, name = self._split(address)
        return await self._run(place, lambda cache: cache.delete_if(name, version), False, writes=True)

    @override
    async def _take(self, address: str) -> bytes | None:
        [data] = await self._take_many([address])
        return data

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | None]:
        place, names = self._split_all(addresses)
        taken = await self._run(place, lambda cache: cache.take(names), dict[str, Found](), writes=True)
        data = (taken.get(name) for name in names)
        # Unreadable rows exist and are removed, too.
        return [b"" if isinstance(each, DeserializationError) else each for each in data]

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        # `_take` removes unreadable rows, but `pop` must not.
        return await VersionedStore._take_entry(self, collection=collection, key=key)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        place, start = self._split(prefix)
        before = prefix.removesuffix(start)
        after = None if cursor is None else cursor.removeprefix(before)
        found, last = await self._run(place, lambda cache: cache.page(start, after, limit), ([], None))
        items = [(before + name, data) for name, data in found]
        return AddressPage(items, None if last is None else before + last)

    async def _cull(self) -> None:
        for place in await self._places():
            while await self._run(place, lambda cache: cache.cull(ROWS_PER_CULL), 0, writes=True):
                pass

    def _split_all(self, addresses: Sequence[str]) -> tuple[str, list[str]]:
        """Return the one place of all addresses, and the names of their rows."""
        places, names = zip(*map(self._split, addresses), strict=True)
        return places[0], list(names)

    async def _run(
        self, place: str, work: Callable[[Cache], T], nothing: T, *, writes: bool = False, makes: bool = False
    ) -> T:
        """Use the cache of a place in the store's thread.

        Args:
            place: Place of the cache.
            work: Function to call with the cache.
            nothing: Result if there is no cache.
            writes: Whether the function writes.
            makes: Whether to create a missing cache.
        """

        def run(caches: "_Caches") -> T:
            cache = caches.find(place, makes=makes)
            return nothing if cache is None else work(cache)

        return await self._worker.run(run, writes=writes)


class _Caches:
    """The caches by place, opened on first use."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._open: OrderedDict[str, Cache] = OrderedDict()
        self._transactions: ExitStack | None = None

    def find(self, place: str, *, makes: bool = False) -> Cache | None:
        """Return the cache of a place, in the current transaction if there is one; None if it is missing."""
        cache = self._open.get(place) or self._opener(place, makes)
        if cache is None:
            return None
        self._open[place] = cache
        self._open.move_to_end(place)
        if self._transactions is None:
            self._close_beyond(MAXIMUM_OPEN)
        elif not cache.in_transaction:
            self._transactions.enter_context(cache.transaction())
        return cache

    @contextmanager
    def transaction(self, writes: bool) -> Generator[None]:
        """Run the body in one transaction per cache, each committed or rolled back as a whole."""
        if not writes:
            yield
            return
        try:
            with ExitStack() as self._transactions:
                if len(self._open) == 1:
                    # Waits once for a locked database, instead of once per job.
                    self.find(next(iter(self._open)))
                yield
        finally:
            self._transactions = None
            self._close_beyond(MAXIMUM_OPEN)

    def close(self) -> None:
        """Close all caches."""
        self._close_beyond(0)

    def _close_beyond(self, count: int) -> None:
        while len(self._open) > count:
            self._open.popitem(last=False)[1].close()


def _expires(ttl: float | None) -> float | None:
    return None if ttl is None else time.time() + ttl
