"""The store with a cache of diskcache for each collection."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from typing_extensions import Self, override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base import BaseCullStore, BaseDestroyStore, BaseEnumerateCollectionsStore
from key_value.aio.stores.base.documents import read_head
from key_value.aio.stores.base.files import RELATIVE, file_names, missing
from key_value.aio.stores.disk.cache_store import CacheStore
from key_value.aio.stores.disk.drawer import Cabinet, Drawer
from key_value.aio.stores.disk.driver import DATABASE, Cache
from key_value.aio.stores.disk.sources import Directory, Given
from key_value.aio.stores.disk.store import expanded
from key_value.aio.stores.disk.table import Table

CacheFactory: TypeAlias = Callable[[str], Cache]
"""Makes the cache of a collection."""

_VARIABLE = r"\$(?=[\w{])"
"""What diskcache would replace by an environment variable."""

_keys = EscapingStrategy()


class MultiDiskStore(CacheStore):
    """A store in a directory for each collection, each as `DiskStore` has one.

    The directory of a collection is named after it; what the file system cannot hold in a name, or takes for
    something else, is percent-encoded. At most 64 of them are open at a time.

    A store whose caches a factory makes cannot know which collections there are: it has no `collections`,
    `destroy` and `cull`.

    Attributes:
        directory: The directory that has one for each collection, unless there is a factory.
    """

    sets_up_collections_for_reads = False

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
            disk_cache_factory: Makes the cache of a collection, with settings of its own, in a thread of the
                store. It is called by reads too.
            base_directory: The directory that has one for each collection, unless there is a factory; `~` is
                the home directory and `$NAME` an environment variable.
            max_size: Bytes that the entries of one collection may take; see `DiskStore`.
            default_collection: The collection used where none is named.
            auto_create: Whether to make directories that are missing.
            directory: Another name for `base_directory`.

        Raises:
            ValueError: There is neither a factory nor a directory.
        """
        base = directory if base_directory is None else base_directory
        if disk_cache_factory is None and base is None:
            raise ValueError("Either disk_cache_factory or base_directory must be provided")
        self.directory = expanded(base or Path(), auto_create=True)
        self._has_directories = disk_cache_factory is None
        self._auto_create = auto_create
        self._names = EscapingStrategy()

        def drawer(place: str) -> Drawer:
            if disk_cache_factory is not None:
                return Drawer(Given(partial(disk_cache_factory, place)))
            return Drawer(Directory(self.directory / place, max_size=max_size))

        super().__init__(
            partial(Cabinet, drawer),
            name=f"MultiDiskStore {self.directory}",
            default_collection=default_collection,
        )

    @override
    async def _setup(self) -> None:
        await super()._setup()
        if self._has_directories:
            unsafe = f"{RELATIVE}|{_VARIABLE}"
            self._names = await asyncio.to_thread(file_names, self.directory, unsafe=unsafe)

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        path = self.directory / self._place(collection)
        if self._has_directories and not self._auto_create and not await asyncio.to_thread(path.is_dir):
            raise ValueError(missing(path))

    @override
    def _place(self, collection: str) -> str:
        return self._names.sanitize(collection) if self._has_directories else collection

    @override
    def _prefix(self, collection: str) -> str:
        return ""

    @override
    def _name(self, collection: str, key: str) -> str:
        return _keys.sanitize(key)

    @override
    def _key(self, collection: str, name: str) -> str | None:
        return _keys.try_unsanitize(name)


class _ListingMultiDiskStore(MultiDiskStore, BaseEnumerateCollectionsStore, BaseDestroyStore, BaseCullStore):
    """A store that knows the directories of its collections."""

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        found: list[str] = []
        for place in await self._places():
            if len(found) == limit:
                break
            collection = self._names.try_unsanitize(place)
            collections = await self._look(place, partial(_collection, collection))
            found += [name for name in collections if self._place(name) == place]
        return found

    @override
    async def _delete_store(self) -> bool:
        for place in await self._places():
            await self._change(place, lambda table: table.clear(lambda _: True))
        return True

    @override
    async def _cull(self) -> None:
        for place in await self._places():
            await self._cull_place(place)

    async def _places(self) -> list[str]:
        """The directories that have a cache."""
        found = await asyncio.to_thread(lambda: sorted(self.directory.glob(f"*/{DATABASE}")))
        return [path.parent.name for path in found]


# The class that users know; which of the two a store is shows in its abilities.
_ListingMultiDiskStore.__name__ = _ListingMultiDiskStore.__qualname__ = MultiDiskStore.__name__


def _collection(name: str | None, table: Table) -> list[str]:
    """The collection that a cache is, unless it is empty; where its directory lost the name, as it says."""
    first = next(table.names(), None)
    if first is None:
        return []
    if name is not None:
        return [name]
    text = table.get([first])[first].text
    named = None if isinstance(text, DeserializationError) else read_head(text.encode()).collection
    return [] if named is None else [named]
