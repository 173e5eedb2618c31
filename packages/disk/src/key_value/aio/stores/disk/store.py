"""The store in a cache of diskcache."""

from functools import partial
from os.path import expandvars
from pathlib import Path

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.stores.base import BaseCullStore, BaseDestroyStore, BaseEnumerateCollectionsStore
from key_value.aio.stores.base.address import address, collection_at, collection_prefix, key_at
from key_value.aio.stores.base.files import missing
from key_value.aio.stores.disk.cache_store import CacheStore
from key_value.aio.stores.disk.drawer import Drawer
from key_value.aio.stores.disk.driver import Cache
from key_value.aio.stores.disk.sources import Directory, Given
from key_value.aio.stores.disk.table import Table


class DiskStore(CacheStore, BaseEnumerateCollectionsStore, BaseDestroyStore, BaseCullStore):
    """A store in a directory, in the form of diskcache: a SQLite database, and files for large values.

    Several processes may use it at a time. Values are JSON text: what would have to be unpickled is never
    read. Each batch is one transaction, and what several tasks store at once is another. Expired entries are
    removed by later puts, ten at a time, and by `cull`.

    With `max_size`, a put removes the entries that were stored first, as far as they are in the way. What was
    stored last stays.

    Attributes:
        directory: The directory of the cache.
    """

    sets_up_collections_for_reads = False

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        disk_cache: Cache | None = None,
        directory: Path | str | None = None,
        max_size: int | None = None,
        default_collection: str | None = None,
        auto_create: bool = True,
    ) -> None:
        """Name a directory, or pass a cache; nothing is made or opened before it is used.

        Args:
            disk_cache: A cache, with settings of its own; it stays open.
            directory: The directory, `~` for the home directory and `$NAME` for an environment variable.
            max_size: Bytes that entries may take on the disk, besides those of an empty cache; None or 0 for
                no limit. It is of the directory: the store that opened it last decides.
            default_collection: The collection used where none is named.
            auto_create: Whether to make the directory where it is missing.

        Raises:
            ValueError: There is not one of `disk_cache` and `directory`, or the directory is missing and must
                not be made.
        """
        if disk_cache is not None and directory is not None:
            raise ValueError("Provide only one of disk_cache or directory")
        if disk_cache is not None:
            self.directory = Path(disk_cache.directory)
            source = Given(lambda: disk_cache)
        elif directory is not None:
            self.directory = expanded(directory, auto_create=auto_create)
            source = Directory(self.directory, max_size=max_size)
        else:
            raise ValueError("Either disk_cache or directory must be provided")
        name = f"DiskStore {self.directory}"
        super().__init__(partial(Drawer, source), name=name, default_collection=default_collection)

    @override
    def _place(self, collection: str) -> str:
        return ""

    @override
    def _prefix(self, collection: str) -> str:
        return collection_prefix(collection)

    @override
    def _name(self, collection: str, key: str) -> str:
        return address(collection, key)

    @override
    def _key(self, collection: str, name: str) -> str | None:
        return key_at(name, collection)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        def list_collections(table: Table) -> list[str]:
            found: dict[str, None] = {}
            for collection in map(collection_at, table.names()):
                if collection is not None:
                    found[collection] = None
                if len(found) == limit:
                    break
            return list(found)

        return await self._look("", list_collections)

    @override
    async def _delete_store(self) -> bool:
        await self._change("", lambda table: table.clear(lambda name: collection_at(name) is not None))
        return True

    @override
    async def _cull(self) -> None:
        await self._cull_place("")


def expanded(directory: Path | str, *, auto_create: bool) -> Path:
    """The directory that diskcache would use.

    Raises:
        ValueError: It is missing, and must not be made.
    """
    path = Path(expandvars(Path(directory).expanduser()))
    if not (auto_create or path.is_dir()):
        raise ValueError(missing(path))
    return path
