"""The files of a tree: read and written whole, without following a link; everything here blocks."""

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base.directories import Directory
from key_value.aio.stores.base.files import make_directory, missing
from key_value.aio.stores.filetree.atomic import WRITING, Lock, clear, temp_files

SUFFIX: Final = ".json"
"""The end of the name of an entry's file."""

INFO_SUFFIX: Final = "-info.json"
"""The end of the name of the file that describes a collection."""

_DIRECTORIES_AT_A_TIME = 100


class Files:
    """The files of a store, as one thread uses them.

    An address is `{directory}/{file}.json` below the root. Each change holds a lock: shared, where files are
    moved into place or removed as they are; exclusive, where that depends on what a file holds.
    """

    def __init__(self, root: Path, metadata: Path, *, auto_create: bool, durable: bool) -> None:
        """Name the directories; nothing is made or opened.

        Args:
            root: The absolute path of the directory of collections.
            metadata: That of the files that describe collections; it may be the same.
            auto_create: Whether to make directories that are missing.
            durable: Whether to wait until what is written, and its name, are on the disk.
        """
        self._root = root
        self._metadata = metadata
        self._auto_create = auto_create
        self._durable = durable
        self._lock = Lock(root)

    def close(self) -> None:
        """Close the lock."""
        self._lock.close()

    def read(self, address: str) -> bytes | None:
        """Read a file; None where it is missing.

        Raises:
            PathSecurityError: The address leads out of the tree, through a link, or to no regular file.
        """
        *names, name = address.split("/")
        return _read(self._root, names, name)

    def write(self, entries: Sequence[tuple[str, bytes]]) -> None:
        """Write files in place of any that are there, all or none until they are moved into place.

        Raises:
            FileNotFoundError: A directory is missing.
        """
        data = [each for _, each in entries]
        with temp_files(self._root, data, durable=self._durable) as (writing, files), ExitStack() as stack:
            targets = self._targets(stack, [address for address, _ in entries])
            with self._lock.held(shared=True):
                for file, (directory, name) in zip(files, targets, strict=True):
                    file.move(writing, directory, name)
            self._sync(*(directory for directory, _ in targets))

    def write_if(self, address: str, data: bytes, version: str | None) -> bool:
        """Write a file if what is there has a version, or if there is nothing and the version is None."""
        if self._version(address) != version:
            return False
        with temp_files(self._root, [data], durable=self._durable) as (writing, [file]), ExitStack() as stack:
            [(directory, name)] = self._targets(stack, [address])
            with self._lock.held():
                if self._version(address) != version:
                    return False
                file.move(writing, directory, name)
            self._sync(directory)
        return True

    def remove(self, addresses: Sequence[str]) -> int:
        """Remove files, and return how many there were."""
        removed = 0
        with ExitStack() as stack:
            there = [
                (directory, name)
                for directory, name in self._targets(stack, addresses, skips_missing=True)
                if directory.has_file(name)
            ]
            if there:
                with self._lock.held(shared=True):
                    removed = sum(directory.remove(name) for directory, name in there)
                self._sync(*(directory for directory, _ in there))
        return removed

    def remove_if(self, address: str, version: str) -> bool:
        """Remove a file if what is there has a version."""
        return self._remove_if(address, lambda data: version_of(data) == version) is not None

    def take(self, address: str) -> bytes | None:
        """Remove a file, and return what was in it; None where it is missing."""
        return self._remove_if(address, lambda _: True)

    def page(self, prefix: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        """List addresses in the order of their directories and files.

        Args:
            prefix: What the addresses start with: a directory and `/`, and perhaps the start of a name; or
                the start of the names of directories, of which those that are described are listed.
            cursor: The address after which to begin; None for the first.
            limit: Addresses to return.

        Returns:
            The addresses, and the cursor of what follows; None at the end.
        """
        directory, slash, start = prefix.rpartition("/")
        directory_after, _, after = (cursor or "").rpartition("/")
        if slash:
            found = [f"{directory}/{name}" for name in self._files(directory, start, after, limit)]
        else:
            found = list[str]()
            for each in self._described(prefix, directory_after):
                begin = after if each == directory_after else ""
                with suppress(PathSecurityError):
                    found += [f"{each}/{name}" for name in self._files(each, "", begin, limit - len(found))]
                if len(found) == limit:
                    break
        return found, found[-1] if found and len(found) == limit else None

    def make(self, directory: str, describe: Callable[[bytes | None], bytes | None]) -> None:
        """Make the directory of a collection, and the file that describes it.

        Args:
            directory: The directory.
            describe: Given what the file holds, returns what it is to hold; None leaves it as it is.

        Raises:
            ValueError: The directory is missing and must not be made.
        """
        with self.alone():
            with Directory.open(self._root) as root:
                if self._auto_create and root.make(directory):
                    self._sync(root)
            try:
                Directory.open(self._root, directory).close()
            except FileNotFoundError as error:
                raise ValueError(missing(self._root / directory)) from error
            data = describe(self.description(directory))
            if data is not None:
                self._write_info(f"{directory}{INFO_SUFFIX}", data)

    def description(self, directory: str) -> bytes | None:
        """Read the file that describes the collection of a directory; None where it is missing."""
        return _read(self._metadata, [], f"{directory}{INFO_SUFFIX}")

    def remove_directory(self, directory: str) -> None:
        """Remove the directory of a collection if it is empty, with the file that describes it."""
        with self.alone(), Directory.open(self._root) as root, Directory.open(self._metadata) as metadata:
            if root.remove_directory(directory):
                metadata.remove(f"{directory}{INFO_SUFFIX}")
            self._sync(root, metadata)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Exclude the other threads and processes that change the tree; make its roots."""
        for root in {self._root, self._metadata}:
            if self._auto_create:
                for changed in make_directory(root):
                    with Directory.open(changed) as directory:
                        self._sync(directory)
            with Directory.open(root) as directory:
                directory.make(WRITING)
        with self._lock.held():
            yield

    def clear(self) -> None:
        """Remove the temporary files of processes that ended before they were done."""
        for root in {self._root, self._metadata}:
            clear(root)

    def _write_info(self, name: str, data: bytes) -> None:
        with (
            temp_files(self._metadata, [data], durable=self._durable) as (writing, [file]),
            Directory.open(self._metadata) as metadata,
        ):
            file.move(writing, metadata, name)
            self._sync(metadata)

    def _version(self, address: str) -> str | None:
        data = self.read(address)
        return None if data is None else version_of(data)

    def _remove_if(self, address: str, is_wanted: Callable[[bytes], bool]) -> bytes | None:
        data = self.read(address)
        if data is None or not is_wanted(data):
            return None
        *names, name = address.split("/")
        with suppress(FileNotFoundError), Directory.open(self._root, *names) as directory:
            with self._lock.held():
                data = self.read(address)
                if data is None or not is_wanted(data) or not directory.remove(name):
                    return None
            self._sync(directory)
            return data
        return None

    def _targets(
        self, stack: ExitStack, addresses: Sequence[str], *, skips_missing: bool = False
    ) -> list[tuple[Directory, str]]:
        """Open the directories of addresses, each once."""
        opened: dict[tuple[str, ...], Directory] = {}
        targets: list[tuple[Directory, str]] = []
        for address in addresses:
            *names, name = address.split("/")
            try:
                if tuple(names) not in opened:
                    opened[tuple(names)] = stack.enter_context(Directory.open(self._root, *names))
                targets.append((opened[tuple(names)], name))
            except FileNotFoundError:
                if not skips_missing:
                    raise
        return targets

    def _sync(self, *directories: Directory) -> None:
        if self._durable:
            for directory in dict.fromkeys(directories):
                directory.sync()

    def _files(self, directory: str, prefix: str, after: str, limit: int) -> list[str]:
        with suppress(FileNotFoundError), Directory.open(self._root, directory) as opened:
            names = (
                entry.name
                for entry in opened.entries()
                if entry.name.endswith(SUFFIX) and entry.name.startswith(prefix) and entry.name > after
                if entry.is_file(follow_symlinks=False)
            )
            return heapq.nsmallest(limit, names)
        return []

    def _described(self, prefix: str, first: str) -> Iterator[str]:
        """Iterate over the directories that are described, in their order, from one on."""
        is_wanted = first.__le__
        while True:
            with suppress(FileNotFoundError), Directory.open(self._metadata) as metadata:
                names = (
                    entry.name.removesuffix(INFO_SUFFIX)
                    for entry in metadata.entries()
                    if entry.name.endswith(INFO_SUFFIX) and entry.name.startswith(prefix)
                )
                page = heapq.nsmallest(_DIRECTORIES_AT_A_TIME, filter(is_wanted, names))
                yield from page
                if len(page) == _DIRECTORIES_AT_A_TIME:
                    is_wanted = page[-1].__lt__
                    continue
            return


def version_of(data: bytes) -> str:
    """Compute the version of what a file holds."""
    return sha256(data).hexdigest()


def _read(root: Path, names: Sequence[str], name: str) -> bytes | None:
    try:
        with Directory.open(root, *names) as directory:
            return directory.read(name)
    except FileNotFoundError:
        return None
