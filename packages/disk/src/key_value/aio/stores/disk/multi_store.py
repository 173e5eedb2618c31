"""A store with one diskcache directory per collection."""

import re
from functools import partial
from pathlib import Path

from typing_extensions import override

from key_value.aio.protocols import extend
from key_value.aio.stores.base import (
    AddressPage,
    EscapingStrategy,
    Names,
    PagedBytesStore,
    PassthroughStrategy,
    SanitizationStrategy,
    absolute,
    file_names,
    warns_on_wrong_types,
)
from key_value.aio.stores.disk.cache import Cache
from key_value.aio.stores.disk.cache_store import CacheStore
from key_value.aio.stores.disk.database import DATABASE
from key_value.aio.stores.disk.store import CacheFactory, checked, expanded, open_below

__all__ = ["CacheFactory", "MultiDiskStore"]

_PLACE = "\0"
"""Separates the place of a cache from the name of a row in an address."""

_VARIABLE = r"\$(?=[\w{])"
"""Characters that diskcache would expand as an environment variable."""

_LEFT_OUT = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_LONGEST = 255


class MultiDiskStore(CacheStore):
    """A store with one directory per collection, each in the format of `DiskStore`.

    The directory of a collection is named after it. Characters that the file system cannot store in a name,
    or would interpret, are percent-encoded. At most 64 directories are open at a time.

    With a `disk_cache_factory` the store cannot determine which collections exist, so it has no
    `collections`, `destroy` and `cull`.

    Attributes:
        directory: Parent directory of all collections, unless there is a factory.
    """

    url_parts = (("path", "directory"),)

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
        """Initialize with a directory or a factory; nothing is created or opened before first use.

        Args:
            disk_cache_factory: Function that creates the `diskcache.Cache` of a collection, with settings of
                your choice. It is called in a thread of the store, also for reads.
            base_directory: Parent directory of all collections, unless there is a factory; `~` is the home
                directory and `$NAME` an environment variable.
            max_size: Maximum size of one collection in bytes; see `DiskStore`.
            default_collection: Collection used when a call does not name one.
            auto_create: Whether to create missing directories.
            directory: Alias of `base_directory`.

        Raises:
            ValueError: Neither a factory nor a directory is given.
        """
        base = directory if base_directory is None else base_directory
        self.directory = expanded(base or Path())
        self.location = str(self.directory)
        self._has_directories = disk_cache_factory is None
        self._auto_create = auto_create
        places = EscapingStrategy(_PLACE)
        self.names = Names(collections=places, separator=_PLACE)
        if disk_cache_factory is not None:
            opener = partial(_open_created, disk_cache_factory, places)
        elif base is not None:
            opener = partial(open_below, self.directory, max_size)
            # The directories are known, and therefore also the collections.
            extend(self, [PagedBytesStore])
        else:
            raise ValueError("Either disk_cache_factory or base_directory must be provided")
        super().__init__(opener, default_collection=default_collection)

    @override
    async def _setup(self) -> None:
        if self._has_directories:
            find = partial(file_names, self.directory, unsafe=rf"^\.{{1,2}}\Z|{_VARIABLE}")
            places = await self._worker.run(lambda _: find())
            former = Names(keys=Names.PLAIN.keys, collections=_FormerPlaces(places), separator=_PLACE)
            self.names = Names(collections=places, separator=_PLACE, formerly=former)

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        path = self.directory / self.names.collection(collection)
        if self._has_directories and not self._auto_create:
            await self._worker.run(lambda _: absolute(path, auto_create=False))

    @override
    def _split(self, address: str) -> tuple[str, str]:
        place, _, name = address.partition(_PLACE)
        return place, name

    @override
    async def _places(self) -> list[str]:
        def find(_: object) -> list[str]:
            found = (path.parent for path in self.directory.glob(f"*/{DATABASE}"))
            return sorted(place.name for place in found if not place.is_symlink())

        return await self._worker.run(find)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        if prefix:
            return await super()._list(prefix, cursor, limit)
        current, separator, _ = (cursor or "").partition(_PLACE)
        left = [place for place in await self._places() if place >= current]
        if not left:
            return AddressPage([], None)
        after = cursor if separator and left[0] == current else None
        page = await super()._list(left[0] + _PLACE, after, limit)
        return AddressPage(page.items, page.cursor or next(iter(left[1:]), None))

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


def _open_created(create: CacheFactory, places: EscapingStrategy, place: str, _makes: bool) -> Cache:
    """Open a second connection to the cache that a factory creates; close the one that this thread gets."""
    given = checked(create(places.try_unsanitize(place) or place))
    try:
        return Cache.of(given)
    finally:
        given.close()  # Other threads keep theirs: diskcache opens a connection for each.


class _FormerPlaces(PassthroughStrategy):
    """The directories of the 0.5 series, which dropped characters: `a/b` and `ab` shared a directory."""

    def __init__(self, places: SanitizationStrategy) -> None:
        self._places = places

    @override
    def sanitize(self, value: str) -> str:
        place = _LEFT_OUT.sub("", value).rstrip(" .")
        is_one = place and len(place.encode(errors="surrogatepass")) <= _LONGEST
        return place if is_one else self._places.sanitize(value)
