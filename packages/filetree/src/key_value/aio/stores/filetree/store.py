"""A store in a tree of files."""

import errno
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    DeserializationError,
    InvalidKeyError,
    KeyValueStoreError,
)
from key_value.aio.stores.base import (
    Address,
    AddressPage,
    BatchLimit,
    PagedBytesStore,
    SanitizationStrategy,
    SerializationAdapter,
    VersionedBytesStore,
    Worker,
    absolute,
    warns_on_wrong_types,
)
from key_value.aio.stores.filetree.files import Files
from key_value.aio.stores.filetree.names import FileNames

T = TypeVar("T")

Durability = Literal["full", "none"]

THREADS = 4
"""Number of threads that wait for the disk; the system flushes their files together."""

_WRITE_ID = re.compile(rb', "write_id": "[0-9a-f]{16}"\}\Z')

FILES_PER_JOB = 32
"""Files of a batch that one job reads or writes, and has open, before other jobs get their turn."""


class FileTreeStore(VersionedBytesStore, PagedBytesStore):
    """A store in a directory, with one JSON file per entry, readable by people and other programs.

    An entry is stored in `{data_directory}/{collection}/{key}.json`. Characters that the file system cannot
    store in a name, or would interpret, are percent-encoded, and long names are truncated; if the file name
    does not contain the whole key, the document does. The directory may be moved, mounted elsewhere, and used
    by several processes at the same time. If it moves between a case-sensitive and a case-insensitive file
    system, names with capitals are no longer found. Links in the directory are never followed: reading one
    raises `PathSecurityError`.

    Files are replaced atomically. Nothing is created before the first write, which creates files that are
    accessible to their owner only. The file system must support `flock`, as all common ones do.
    """

    batch_limit = BatchLimit(items=FILES_PER_JOB)
    max_concurrency = THREADS
    settles_writes = True
    lists_unreadable = True
    url_parts = (("path", "directory"),)

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
        """Initialize with a directory; nothing is created or opened before first use.

        Args:
            data_directory: Directory of the entries; `~` is the home directory.
            metadata_directory: Directory of the files that describe collections. Defaults to
                `data_directory`.
            default_collection: Collection used when a call does not name one.
            serialization_adapter: Format of the documents. `expires_at` and `key` must be where they are by
                default, so that entries can be listed and culled.
            key_sanitization_strategy: Strategy that maps keys to file names, instead of the encoding above.
                The strategies of the 0.5 series map some different keys to the same file.
            collection_sanitization_strategy: The same for collections.
            auto_create: Whether to create missing directories; False creates only `.writing`.
            durability: `full` waits until an entry and its file name are on the disk. `none` leaves that to
                the system: entries survive the end of the process, but not a power loss.
            directory: Alias of `data_directory`.

        Raises:
            ValueError: Not exactly one data directory is given, it is a URL, `durability` has another value,
                or a directory is missing and `auto_create` is False.
        """
        given = [each for each in (data_directory, directory) if each is not None]
        if len(given) != 1:
            raise ValueError("Provide exactly one of data_directory and directory")
        if durability not in ("full", "none"):
            raise ValueError(f"durability must be 'full' or 'none', not {durability!r}")
        super().__init__(
            serialization_adapter=serialization_adapter,
            key_sanitization_strategy=key_sanitization_strategy,
            collection_sanitization_strategy=collection_sanitization_strategy,
            default_collection=default_collection,
        )
        data, metadata = (
            absolute(path, auto_create=auto_create).resolve()
            for path in (given[0], given[0] if metadata_directory is None else metadata_directory)
        )
        self.location = str(data)
        self._survey = partial(
            FileNames, data, keys=key_sanitization_strategy, collections=collection_sanitization_strategy
        )
        self._directories: dict[str, str] = {}
        """The collection of each directory that has been created."""
        files = partial(Files, data, metadata, auto_create=auto_create, durable=durability == "full")
        self._worker = self._owns(Worker(repr(self), files, close=Files.close, threads=THREADS))

    @override
    async def _setup(self) -> None:
        def survey(files: Files) -> FileNames:
            files.clear()
            return self._survey()

        self.names = await self._worker.run(survey)

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        self.names.collection(collection)  # Raises for an invalid name before anything is created.

        def make(files: Files) -> FileNames:
            files.make_roots()
            # Only an existing directory shows how its file system treats names.
            names = self._survey()
            directory = names.collection(collection)
            files.make(directory, partial(_describe, self.location, directory, collection))
            return names

        self.names = await self._worker.run(make)
        self._directories[self.names.collection(collection)] = collection

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        extra: dict[str, Any] = {"store": type(self).__name__, "directory": self.location}
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.ENAMETOOLONG or isinstance(error, UnicodeEncodeError):
            return InvalidKeyError(message=str(error), extra_info=extra)
        return None if number is None else KeyValueStoreError(message=str(error), extra_info=extra)

    @property
    def _file_names(self) -> FileNames:
        return cast("FileNames", self.names)

    @override
    def _names_in_document(self, collection: str, key: str) -> tuple[str | None, str | None]:
        return (None, None) if self._file_names.says(collection, key) else (collection, key)

    @override
    def _holds_entry(self, address: str, data: bytes, collection: str, key: str) -> bool:
        # If case is ignored, the file of `Name` in 0.5 may be that of `name`; 0.5 wrote no write IDs.
        if _WRITE_ID.search(data) and address != self.names.address(collection, key):
            return False
        return super()._holds_entry(address, data, collection, key)

    @override
    def _is_entry(
        self, address: str, named: tuple[str | None, str | None] | None, collection: str, key: str
    ) -> bool:
        if named == (None, None):
            is_own = address == self.names.address(collection, key)
            return not (is_own and self._file_names.must_name(collection, key))
        return named is None or (named[0] in (None, collection) and named[1] in (None, key))

    @override
    def _entry_at(self, address: str, collection: str | None, key: str | None) -> Address | None:
        if (collection, key) != (None, None):
            return super()._entry_at(address, collection, key)
        entry = self.names.entry(address)
        if entry is None:
            # 0.5 left out names that its strategies lost. Such an entry cannot be read, but it can expire.
            return Address("", "")
        if self._file_names.must_name(*entry):
            directory, _, file = address.removesuffix(self.names.suffix).rpartition("/")
            return Address(directory, file)
        return entry

    @override
    async def _read(self, address: str) -> bytes | None:
        return await self._worker.run(lambda files: files.read(address))

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        return await self._worker.run(lambda files: files.read_many(addresses))

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._write_many([(address, data)], ttl)

    @override
    async def _write_many(self, items: Sequence[tuple[str, bytes]], ttl: float | None) -> Sequence[None]:
        await self._in_directories([address for address, _ in items], lambda files: files.write(items))
        return [None] * len(items)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        return await self._in_directories([address], lambda files: files.write_if(address, data, version))

    @override
    async def _remove(self, address: str) -> None:
        await self._worker.run(lambda files: files.remove([address]))

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[None]:
        await self._worker.run(lambda files: files.remove(addresses))
        return [None] * len(addresses)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._worker.run(lambda files: files.remove_if(address, version))

    @override
    async def _take(self, address: str) -> bytes | None:
        [data] = await self._take_many([address])
        if isinstance(data, Exception):
            raise data
        return data

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        return await self._worker.run(lambda files: files.take(addresses))

    @override
    async def _take_if(
        self, addresses: Sequence[str], is_own: Callable[[str, bytes], bool]
    ) -> Sequence[bytes | Exception | None]:
        return await self._worker.run(lambda files: files.take(addresses, is_own))

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        addresses, after = await self._worker.run(lambda files: files.page(prefix, cursor, limit))
        return AddressPage([(address, None) for address in addresses], after)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        def find(files: Files) -> list[str]:
            names = (
                name
                for directory, name in self._collections(files)
                if files.any_of(directory, self._is_unexpired)
            )
            return list(islice(names, limit))

        return await self._worker.run(find)

    def _is_unexpired(self, data: bytes) -> bool:
        try:
            return not self._serialization_adapter.load_json(data).is_expired
        except DeserializationError:
            return False

    @override
    async def _delete_store(self) -> bool:
        await self._destroy(None)
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._destroy(collection)

    async def _destroy(self, collection: str | None) -> bool:
        """Remove a collection, or all collections; return whether there were any entries."""

        def destroy(files: Files) -> bool:
            found = [directory for directory, name in self._collections(files) if collection in (None, name)]
            return sum(map(files.destroy, found)) > 0

        return await self._worker.run(destroy)

    def _collections(self, files: Files) -> list[tuple[str, str]]:
        """Return the directories that have a description, and their collections."""
        found: list[tuple[str, str]] = []
        for directory in files.described():
            description = files.description(directory)
            collection = _collection_in(description)
            if collection is None:
                collection = self.names.collections.try_unsanitize(directory)
            if collection is not None and directory in (self.names.collection(collection), collection):
                found.append((directory, collection))
        return found

    async def _in_directories(self, addresses: Sequence[str], write: Callable[[Files], T]) -> T:
        """Write files; if a directory is missing, create it and try again."""

        def run(files: Files) -> T:
            try:
                return write(files)
            except FileNotFoundError:
                # Another process has destroyed a collection or removed a temporary file in the meantime.
                for directory in {address.rpartition("/")[0] for address in addresses}:
                    collection = self._directories.get(directory, directory)
                    files.make(directory, partial(_describe, self.location, directory, collection))
                return write(files)

        return await self._worker.run(run)


def _describe(root: str, directory: str, collection: str, described: bytes | None) -> bytes | None:
    """Return the document that describes a collection; None if the description already exists."""
    found = _collection_in(described)
    path = f"{root}/{directory}"
    if found not in (None, collection):
        raise KeyValueStoreError(message=f"Directory '{path}' belongs to the collection {found!r}")
    document = {
        "collection": collection,
        "created_at": datetime.now(timezone.utc).isoformat(),
        "directory": path,
        "version": 1,
    }
    return json.dumps(document).encode() if found is None else None


def _collection_in(description: bytes | None) -> str | None:
    try:
        document = json.loads(description or b"")
    except ValueError:
        return None
    collection = cast("dict[str, object]", document).get("collection") if isinstance(document, dict) else None
    return collection if isinstance(collection, str) else None
