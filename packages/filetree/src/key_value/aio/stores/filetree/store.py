"""The store in a tree of files."""

import errno
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.sanitization import SanitizationStrategy
from key_value.aio._utils.serialization import SerializationAdapter
from key_value.aio.errors import BaseKeyValueError, InvalidKeyError, KeyValueStoreError
from key_value.aio.stores.base import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    BytesStore,
)
from key_value.aio.stores.base.batches import for_each_part
from key_value.aio.stores.base.files import missing
from key_value.aio.stores.base.worker import Bench, Worker
from key_value.aio.stores.filetree import listing
from key_value.aio.stores.filetree.layout import Layout
from key_value.aio.stores.filetree.strategies import get_max_file_name_length, get_max_path_length
from key_value.aio.stores.filetree.tree import Tree

__all__ = ["FileTreeStore", "get_max_file_name_length", "get_max_path_length"]

T = TypeVar("T")

Durability = Literal["full", "none"]

THREADS = 4
"""Threads that wait for the disk at a time; the system writes what they ask for together."""

FILES_PER_JOB = 32
"""Files of a batch that are written, or read, before others get their turn, and open at a time."""


class FileTreeStore(
    BytesStore,
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BasePutIfAbsentStore,
):
    """A store in a directory: one JSON file for each entry, for people and other programs to read.

    The entry is in `{data_directory}/{collection}/{key}.json`. A name that the file system cannot hold, or
    takes for another, is percent-encoded, and cut where it is too long; the document names the key that its
    file does not. The directory may be moved, or mounted elsewhere, and be used by several processes at a
    time; between file systems that tell upper case from lower and ones that do not, names with capitals are
    not found again. A symbolic link that leads out of it is not followed: reading it raises
    `PathSecurityError`.

    A file is replaced as a whole. Nothing is made before the first write, and then for its owner alone.
    Expired entries stay until `cull`. The file system must have `flock`, as all common ones do.
    """

    sets_up_collections_for_reads = False

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        data_directory: Path | str | None = None,
        metadata_directory: Path | str | None = None,
        default_collection: str | None = None,
        serialization_adapter: SerializationAdapter | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        auto_create: bool = True,
        durability: Durability = "full",
        directory: Path | str | None = None,
    ) -> None:
        """Name a directory; nothing is made or opened before it is used.

        Args:
            data_directory: The directory.
            metadata_directory: Where the files are that describe collections; in `data_directory` unless
                given.
            default_collection: The collection used where none is named.
            serialization_adapter: The form of the documents. `expires_at` and `key` must be where they are
                by default, for entries to be listed and culled.
            key_sanitization_strategy: What to make of keys in place of the above. Those of the 0.5 series
                give some keys the same file.
            collection_sanitization_strategy: What to make of collections.
            auto_create: Whether to make directories that are missing; False makes none but `.writing`.
            durability: `full` waits until an entry, and its name, are on the disk; `none` leaves that to the
                system, and survives the end of the process, but not the loss of power.
            directory: Another name for `data_directory`.

        Raises:
            ValueError: There is not one data directory, `durability` is neither, or a directory is missing
                that must not be made.
        """
        given = [each for each in (data_directory, directory) if each is not None]
        if len(given) != 1:
            raise ValueError("Provide one of data_directory and directory")
        if durability not in ("full", "none"):
            raise ValueError(f"durability must be 'full' or 'none', not {durability!r}")
        super().__init__(
            serialization_adapter=serialization_adapter,
            key_sanitization_strategy=key_sanitization_strategy,
            collection_sanitization_strategy=collection_sanitization_strategy,
            default_collection=default_collection,
        )
        data = _resolved(given[0], auto_create=auto_create)
        metadata = data
        if metadata_directory is not None:
            metadata = _resolved(metadata_directory, auto_create=auto_create)
        self._layout = Layout(data, metadata, key_sanitization_strategy, collection_sanitization_strategy)
        tree = partial(Tree, self._layout, auto_create=auto_create, durable=durability == "full")
        self._worker = Worker(f"FileTreeStore {data}", lambda: Bench(tree(), Tree.close), threads=THREADS)

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)
        await self._worker.run(Tree.open)

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        await self._worker.run(lambda tree: tree.make(collection))

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        extra: dict[str, Any] = {"store": type(self).__name__, "directory": str(self._layout.data)}
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.ENAMETOOLONG or isinstance(error, UnicodeEncodeError):
            return InvalidKeyError(message=str(error), extra_info=extra)
        return None if number is None else KeyValueStoreError(message=str(error), extra_info=extra)

    @override
    def _names_in_document(self, collection: str, key: str) -> tuple[str | None, str | None]:
        return self._layout.names_in_document(collection, key)

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        (data,) = await self._worker.run(lambda tree: tree.read(collection, [key]))
        return data

    @override
    async def _get_many_bytes(self, *, collection: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        parts = await self._in_parts(
            keys, lambda tree, part: tree.read(collection, keys[part]), name="get_many"
        )
        return [data for part in parts for data in part]

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        await self._worker.run(lambda tree: tree.put(collection, [key], [data]))

    @override
    async def _put_many_bytes(
        self, *, collection: str, keys: Sequence[str], data: Sequence[bytes], ttl: float | None
    ) -> None:
        await self._in_parts(
            keys, lambda tree, part: tree.put(collection, keys[part], data[part]), name="put_many"
        )

    @override
    async def _put_bytes_if_absent(
        self, *, collection: str, key: str, data: bytes, ttl: float | None
    ) -> bool:
        return await self._worker.run(lambda tree: tree.put_if_absent(collection, key, data))

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        return await self._delete_many(collection=collection, keys=[key]) > 0

    @override
    async def _delete_many(self, *, collection: str, keys: Sequence[str]) -> int:
        removed = await self._in_parts(
            keys, lambda tree, part: tree.delete(collection, keys[part]), name="delete_many"
        )
        return sum(removed)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        return await self._worker.run(lambda tree: listing.list_keys(tree, collection, limit))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return await self._worker.run(lambda tree: listing.list_collections(tree, limit))

    @override
    async def _delete_store(self) -> bool:
        return await self._worker.run(listing.destroy)

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._worker.run(lambda tree: listing.destroy_collection(tree, collection))

    @override
    async def _cull(self) -> None:
        await self._worker.run(listing.cull)

    async def _in_parts(
        self, keys: Sequence[str], operation: Callable[[Tree, slice], T], *, name: str
    ) -> list[T]:
        """Do something with some of the keys in each of the threads, until it is done with all."""

        async def run(part: slice) -> T:
            with self._driver_errors:
                return await self._worker.run(lambda tree: operation(tree, part))

        return await for_each_part(keys, FILES_PER_JOB, run, name=name, max_concurrency=THREADS)


def _resolved(directory: Path | str, *, auto_create: bool) -> Path:
    path = Path(directory).resolve()
    if not (auto_create or path.is_dir()):
        raise ValueError(missing(path))
    return path
