"""A store in one directory, in the format of diskcache."""

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
"""Function that creates the `diskcache.Cache` of a collection."""


class DiskStore(CacheStore, PagedBytesStore):
    """A store in a directory, in the format of diskcache: a SQLite database, and files for large values.

    Several processes may use it at the same time. Values are JSON text; pickled values are never read. Each
    batch is one transaction, and so are the concurrent writes of several tasks. Expired entries are removed
    by later puts, ten at a time, and by `cull`.

    With `max_size`, a put evicts the oldest entries until the new one fits. The entry stored last is never
    evicted.

    Attributes:
        directory: Directory of the cache.
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
        """Initialize with a directory or a cache; nothing is created or opened before first use.

        Args:
            disk_cache: `diskcache.Cache`, whose settings apply. The store does not close it.
            directory: Directory, where `~` is the home directory and `$NAME` an environment variable.
            max_size: Maximum size of the entries on disk in bytes, in addition to an empty cache; None or 0
                sets no limit. The limit is saved in the directory: the store that opened it last decides.
            default_collection: Collection used when a call does not name one.
            auto_create: Whether to create a missing directory.

        Raises:
            ValueError: Not exactly one of `disk_cache` and `directory` is given, or the directory is missing
                and `auto_create` is False.
            TypeError: `disk_cache` is not a `diskcache.Cache`.
        """
        if disk_cache is not None and directory is not None:
            raise ValueError("Provide only one of disk_cache or directory")
        if disk_cache is not None:
            self.directory = Path(checked(disk_cache).directory)
            opener = partial(_open_given, disk_cache)
        elif directory is not None:
            self.directory = expanded(directory, auto_create=auto_create)
            opener = partial(open_below, self.directory, max_size)
        else:
            raise ValueError("Either disk_cache or directory must be provided")
        self.location = str(self.directory)
        super().__init__(opener, default_collection=default_collection)


def open_below(base: Path, max_size: int | None, place: str, makes: bool) -> Cache | None:
    """Open the cache in a directory, or in one of its subdirectories.

    Args:
        base: The directory.
        max_size: Maximum size of the entries in bytes.
        place: Name of the subdirectory; empty for the directory itself.
        makes: Whether to create a missing cache.

    Raises:
        PathSecurityError: The subdirectory is a link.
    """
    if place:
        with suppress(FileNotFoundError):
            Directory.open(base, place).close()
    directory = base / place
    is_there = makes or (directory / DATABASE).exists()
    return Cache.open(directory, max_size=max_size) if is_there else None


def _open_given(cache: Any, _place: str, _makes: bool) -> Cache:
    return Cache.of(cache)


def checked(cache: Any) -> Any:
    """Return an application's cache, if it has the required attributes.

    Raises:
        TypeError: The object is not a `diskcache.Cache`.
    """
    for name in ("close", "directory", "disk", "timeout"):
        if not hasattr(cache, name):
            raise TypeError(f"A diskcache.Cache has the attribute {name}, which {type(cache).__name__} lacks")
    return cache


def expanded(directory: Path | str, *, auto_create: bool = True) -> Path:
    """Return the absolute path of a directory, with `~` and `$NAME` expanded."""
    return absolute(expandvars(Path(directory).expanduser()), auto_create=auto_create)
