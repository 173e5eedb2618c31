"""A store in one directory of the form of diskcache."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from os.path import expandvars
from pathlib import Path
from typing import Any, TypeAlias

from key_value.aio.stores.base import Directory, Names, PagedBytesStore, absolute, warns_on_wrong_types
from key_value.aio.stores.disk.cache import Cache
from key_value.aio.stores.disk.cache_store import CacheStore
from key_value.aio.stores.disk.database import DATABASE

CacheFactory: TypeAlias = Callable[[str], Any]
"""Makes the `diskcache.Cache` of a collection."""


class DiskStore(CacheStore, PagedBytesStore):
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
            self.directory = Path(checked(disk_cache).directory)
            opener = partial(open_given, lambda _: disk_cache)
        elif directory is not None:
            self.directory = expanded(directory, auto_create=auto_create)
            opener = partial(open_below, self.directory, max_size)
        else:
            raise ValueError("Either disk_cache or directory must be provided")
        self.location = str(self.directory)
        super().__init__(opener, default_collection=default_collection)


def open_below(base: Path, max_size: int | None, place: str, makes: bool) -> Cache | None:
    """Open the cache in a directory, or in one below it.

    Args:
        base: The directory.
        max_size: Bytes that entries may take.
        place: The name of the directory below it; empty for the directory itself.
        makes: Whether to make the cache if it is missing.

    Raises:
        PathSecurityError: The directory below is a link.
    """
    if place:
        with suppress(FileNotFoundError):
            Directory.open(base, place).close()
    directory = base / place
    is_there = makes or (directory / DATABASE).exists()
    return Cache.open(directory, max_size=max_size) if is_there else None


def open_given(make: CacheFactory, collection: str, _: bool) -> Cache:
    """Open a second connection to the cache that an application makes for a collection."""
    return Cache.of(checked(make(collection)))


def checked(cache: Any) -> Any:
    """Return a cache of an application's own, if it looks like one.

    Raises:
        TypeError: It is no `diskcache.Cache`.
    """
    for name in ("directory", "disk", "timeout"):
        if not hasattr(cache, name):
            raise TypeError(f"A diskcache.Cache has the attribute {name}, which {type(cache).__name__} lacks")
    return cache


def expanded(directory: Path | str, *, auto_create: bool = True) -> Path:
    """Return the absolute path of a directory, in which `~` and `$NAME` are replaced."""
    return absolute(expandvars(Path(directory).expanduser()), auto_create=auto_create)
