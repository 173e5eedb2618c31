"""The stores in directories of the form of diskcache."""

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os.path import expandvars
from pathlib import Path
from typing import Any, TypeAlias, cast

from typing_extensions import Self, override

from key_value.aio.errors import BaseKeyValueError, DeserializationError, StoreConnectionError
from key_value.aio.stores.base import (
    AddressPage,
    BatchLimit,
    Directory,
    EscapingStrategy,
    ManagedEntry,
    Names,
    PagedBytesStore,
    PagedKeysBytesStore,
    SanitizationStrategy,
    VersionedBytesStore,
    VersionedStore,
    Worker,
    absolute,
    file_names,
    sqlite_error,
    warns_on_wrong_types,
)
from key_value.aio.stores.disk.cache import Cache, Found
from key_value.aio.stores.disk.caches import Caches, Opener
from key_value.aio.stores.disk.database import DATABASE

CacheFactory: TypeAlias = Callable[[str], Any]
"""Makes the `diskcache.Cache` of a collection."""

ROWS_PER_CULL = 1000

_PLACE = "\0"
"""Stands in an address of MultiDiskStore between the place of a cache and the name of a row."""

_factory_places = EscapingStrategy(_PLACE)

_VARIABLE = r"\$(?=[\w{])"
"""What diskcache would replace by an environment variable."""

_LEFT_OUT = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_LONGEST = 255
_SURROGATE = re.compile("[\ud800-\udfff]")


class _CacheStore(VersionedBytesStore, PagedKeysBytesStore):
    """A store whose entries are rows of a cache, or of one for each collection."""

    batch_limit = BatchLimit(1_000_000_000, 1_000_000_000)
    errors = ((OSError, StoreConnectionError),)
    writes_in_order = True
    reclaim_after = None

    def __init__(self, opener: Opener, *, default_collection: str | None) -> None:
        super().__init__(default_collection=default_collection)
        caches = partial(Caches, opener)
        self._worker = self._owns(
            Worker(repr(self), caches, close=Caches.close, transaction=Caches.transaction)
        )

    def _split(self, address: str) -> tuple[str, str]:
        """Return the place of an address and the name of its row."""
        return "", address

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
        place = self._split(addresses[0])[0]
        names = [self._split(address)[1] for address in addresses]

        def read(caches: Caches) -> list[Found | None]:
            cache = caches.find(place)
            found = {} if cache is None else cache.get(names)
            return [found.get(name) for name in names]

        return await self._worker.run(read)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._write_many([(address, data)], ttl)

    @override
    async def _write_many(self, items: Sequence[tuple[str, bytes]], ttl: float | None) -> Sequence[None]:
        place = self._split(items[0][0])[0]
        rows = [(self._split(address)[1], data.decode()) for address, data in items]
        expires = _expires(ttl)

        def write(caches: Caches) -> None:
            if (cache := caches.find(place, makes=True)) is not None:
                for name, text in rows:
                    cache.put(name, text, expires)

        await self._worker.run(write, writes=True)
        return [None] * len(items)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        place, name = self._split(address)
        text, expires = data.decode(), _expires(ttl)

        def write(caches: Caches) -> bool:
            cache = caches.find(place, makes=version is None)
            return cache is not None and cache.put_if(name, text, expires, version)

        return await self._worker.run(write, writes=True)

    @override
    async def _remove(self, address: str) -> None:
        await self._remove_many([address])

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[None]:
        def remove(caches: Caches) -> None:
            for place, name in map(self._split, addresses):
                cache = caches.find(place)
                if cache is not None:
                    cache.delete([name])

        await self._worker.run(remove, writes=True)
        return [None] * len(addresses)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        place, name = self._split(address)

        def remove(caches: Caches) -> bool:
            cache = caches.find(place)
            return cache is not None and cache.delete_if(name, version)

        return await self._worker.run(remove, writes=True)

    @override
    async def _take(self, address: str) -> bytes | None:
        [data] = await self._take_many([address])
        return data

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | None]:
        place = self._split(addresses[0])[0]
        names = [self._split(address)[1] for address in addresses]

        def take(caches: Caches) -> list[bytes | None]:
            cache = caches.find(place)
            if cache is None:
                return [None] * len(names)
            found = cache.take(names)
            data = (found.get(name) for name in names)
            # What cannot be read is there, and is removed too.
            return [b"" if isinstance(each, DeserializationError) else each for each in data]

        return await self._worker.run(take, writes=True)

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        # `_take` removes what cannot be read; `pop` must not.
        return await VersionedStore._take_entry(self, collection=collection, key=key)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        place, start = self._split(prefix)
        before = prefix[: len(prefix) - len(start)]
        after = None if cursor is None else cursor.removeprefix(before)

        def page(caches: Caches) -> AddressPage:
            cache = caches.find(place)
            if cache is None:
                return AddressPage([], None)
            found, last = cache.page(start, after, limit)
            items = [(before + name, data) for name, data in found]
            return AddressPage(items, None if last is None else before + last)

        return await self._worker.run(page)

    async def _cull_place(self, place: str) -> None:
        """Remove the expired rows of a cache, some of them at a time."""

        def cull(caches: Caches) -> int:
            cache = caches.find(place)
            return 0 if cache is None else cache.cull(ROWS_PER_CULL)

        while await self._worker.run(cull, writes=True):
            pass


class DiskStore(_CacheStore, PagedBytesStore):
    """A store in a directory, in the form of diskcache: a SQLite database, and files for large values.

    Several processes may use it at a time. Values are JSON text: what would have to be unpickled is never
    read. Each batch is one transaction, and what several tasks store at once is another. Expired entries are
    removed by later puts, ten at a time, and by `cull`.

    With `max_size`, a put removes the entries that were stored first, as far as they are in the way. What was
    stored last stays.

    Attributes:
        directory: The directory of the cache.
    """

    names = Names(formerly=Names.PLAIN)
    lists_in_order = True
    url_parts = (("path", "directory"),)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        disk_cache: Any = None,
        directory: Path | str | None = None,
        max_size: int | None = None,
        default_collection: str | None = None,
        auto_create: bool = True,
    ) -> None:
        """Name a directory, or pass a cache; nothing is made or opened before it is used.

        Args:
            disk_cache: A `diskcache.Cache`, with settings of its own; it stays open.
            directory: The directory, `~` for the home directory and `$NAME` for an environment variable.
            max_size: Bytes that entries may take on the disk, besides those of an empty cache; None or 0 for
                no limit. It is of the directory: the store that opened it last decides.
            default_collection: The collection used when a call names none.
            auto_create: Whether to make the directory if it is missing.

        Raises:
            ValueError: There is not one of `disk_cache` and `directory`, or the directory is missing and must
                not be made.
            TypeError: `disk_cache` is no `diskcache.Cache`.
        """
        if disk_cache is not None and directory is not None:
            raise ValueError("Provide only one of disk_cache or directory")
        if disk_cache is not None:
            self.directory = Path(_checked(disk_cache).directory)
            opener = partial(_open_given, lambda _: disk_cache)
        elif directory is not None:
            self.directory = _expanded(directory, auto_create=auto_create)
            opener = partial(_open_below, self.directory, max_size)
        else:
            raise ValueError("Either disk_cache or directory must be provided")
        self.location = str(self.directory)
        super().__init__(opener, default_collection=default_collection)

    @override
    async def _cull(self) -> None:
        await self._cull_place("")


class MultiDiskStore(_CacheStore):
    """A store in a directory for each collection, each as `DiskStore` has one.

    The directory of a collection is named after it; what the file system cannot hold in a name, or takes for
    something else, is percent-encoded. At most 64 of them are open at a time.

    A store whose caches a factory makes cannot know which collections there are: it has no `collections`,
    `destroy` and `cull`.

    Attributes:
        directory: The directory that has one for each collection, unless there is a factory.
    """

    url_parts = (("path", "directory"),)

    def __new__(cls, *, disk_cache_factory: CacheFactory | None = None, **_: Any) -> Self:
        """Choose the class: where the directories are known, one that can list its collections."""
        knows = disk_cache_factory is None and cls is MultiDiskStore
        return super().__new__(cast("type[Self]", _ListingMultiDiskStore) if knows else cls)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        disk_cache_factory: CacheFactory | None = None,
        base_directory: Path | str | None = None,
        max_size: int | None = None,
        default_collection: str | None = None,
        auto_create: bool = True,
        directory: Path | str | None = None,
    ) -> None:
        """Name a directory, or pass a factory; nothing is made or opened before it is used.

        Args:
            disk_cache_factory: Makes the `diskcache.Cache` of a collection, with settings of its own, in a
                thread of the store. It is called by reads too.
            base_directory: The directory that has one for each collection, unless there is a factory; `~` is
                the home directory and `$NAME` an environment variable.
            max_size: Bytes that the entries of one collection may take; see `DiskStore`.
            default_collection: The collection used when a call names none.
            auto_create: Whether to make directories that are missing.
            directory: Another name for `base_directory`.

        Raises:
            ValueError: There is neither a factory nor a directory.
        """
        base = directory if base_directory is None else base_directory
        if disk_cache_factory is None and base is None:
            raise ValueError("Either disk_cache_factory or base_directory must be provided")
        self.directory = _expanded(base or Path())
        self.location = str(self.directory)
        self._has_directories = disk_cache_factory is None
        self._auto_create = auto_create
        self.names = _PlaceNames(_factory_places, moved=False)
        if disk_cache_factory is None:
            opener = partial(_open_below, self.directory, max_size)
        else:
            opener = partial(_open_given, disk_cache_factory)
        super().__init__(opener, default_collection=default_collection)

    @override
    async def _setup(self) -> None:
        if self._has_directories:
            find = partial(file_names, self.directory, unsafe=rf"^\.{{1,2}}\Z|{_VARIABLE}")
            self.names = _PlaceNames(await self._worker.run(lambda _: find()), moved=True)

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        path = self.directory / self.names.collection(collection)
        if self._has_directories and not self._auto_create:
            await self._worker.run(lambda _: absolute(path, auto_create=False))

    @override
    def _split(self, address: str) -> tuple[str, str]:
        place, _, name = address.partition(_PLACE)
        return place, name


class _ListingMultiDiskStore(MultiDiskStore, PagedBytesStore):
    """A store that knows the directories of its collections."""

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        if prefix:
            return await super()._list(prefix, cursor, limit)
        places = await self._places()
        current, separator, _ = (cursor or "").partition(_PLACE)
        left = [place for place in places if place >= current]
        if not left:
            return AddressPage([], None)
        after = cursor if separator and left[0] == current else None
        page = await super()._list(left[0] + _PLACE, after, limit)
        return AddressPage(page.items, page.cursor or next(iter(left[1:]), None))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        names: dict[str, None] = {}
        for place in await self._places():
            if limit is not None and len(names) >= limit:
                break
            own = self.names.collections.try_unsanitize(place)
            cursor, wanted = None, 1
            while own not in names:
                page = await super()._list(place + _PLACE, cursor, wanted)
                names.update((each.collection, None) for each in await self._entries(page.items))
                if page.cursor is None:
                    break
                cursor, wanted = page.cursor, 100
        return list(names)

    @override
    async def _cull(self) -> None:
        for place in await self._places():
            await self._cull_place(place)

    async def _places(self) -> list[str]:
        """Return the directories that have a cache, in their order."""

        def find(_: Caches) -> list[str]:
            found = (path.parent for path in self.directory.glob(f"*/{DATABASE}"))
            return sorted(place.name for place in found if not place.is_symlink())

        return await self._worker.run(find)


# The class that users know; which of the two a store is shows in its abilities.
_ListingMultiDiskStore.__name__ = _ListingMultiDiskStore.__qualname__ = MultiDiskStore.__name__


class _PlaceNames(Names):
    """The place of a cache, and the name of a row in it."""

    def __init__(self, collections: SanitizationStrategy, *, moved: bool) -> None:
        super().__init__(collections=collections, separator=_PLACE)
        self._moved = moved

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        place = self._former_place(collection)
        former = f"{place}{_PLACE}{key}"
        return None if not place or former == address or _SURROGATE.search(former) else former

    @override
    def starts(self, collection: str, prefix: str) -> list[str]:
        ours, place = self.prefix(collection), self._former_place(collection)
        starts = [ours + self.literal(prefix)]
        return starts if not place or f"{place}{_PLACE}" == ours else [*starts, f"{place}{_PLACE}"]

    def _former_place(self, collection: str) -> str | None:
        # 0.5 left these characters out, so that `a/b` and `ab` had one directory.
        place = _LEFT_OUT.sub("", collection).rstrip(" .") if self._moved else ""
        return place if not _SURROGATE.search(place) and len(place.encode()) <= _LONGEST else None


def _open(directory: Path, max_size: int | None, makes: bool) -> Cache | None:
    is_there = makes or (directory / DATABASE).exists()
    return Cache.open(directory, max_size=max_size) if is_there else None


def _open_below(base: Path, max_size: int | None, place: str, makes: bool) -> Cache | None:
    if place:
        with suppress(FileNotFoundError):
            Directory.open(base, place).close()  # A link in its place is refused.
    return _open(base / place, max_size, makes)


def _open_given(make: CacheFactory, place: str, _: bool) -> Cache:
    collection = _factory_places.try_unsanitize(place)
    return Cache.of(_checked(make(place if collection is None else collection)))


def _checked(cache: Any) -> Any:
    for name in ("directory", "disk", "timeout"):
        if not hasattr(cache, name):
            raise TypeError(f"A diskcache.Cache has the attribute {name}, which {type(cache).__name__} lacks")
    return cache


def _expires(ttl: float | None) -> float | None:
    return None if ttl is None else time.time() + ttl


def _expanded(directory: Path | str, *, auto_create: bool = True) -> Path:
    return absolute(expandvars(Path(directory).expanduser()), auto_create=auto_create)
