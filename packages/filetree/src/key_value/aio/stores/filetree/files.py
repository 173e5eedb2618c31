"""The files of a tree, read and written atomically, without following links; all methods block."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Final

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base import Directory, VersionedBytesStore, absolute, make_directory
from key_value.aio.stores.filetree.atomic import WRITING, Lock, clear, temp_files

SUFFIX: Final = ".json"
"""Suffix of the file of an entry."""

INFO_SUFFIX: Final = "-info.json"
"""Suffix of the file that describes a collection."""


class Files:
    """The files of a store, used by one thread.

    An address is `{directory}/{file}.json` below the root. Each change holds a lock. The lock is shared if
    files are moved into place or removed unconditionally, and exclusive if that depends on their contents.
    """

    def __init__(self, root: Path, metadata: Path, *, auto_create: bool, durable: bool) -> None:
        """Initialize with directories, without creating or opening them.

        Args:
            root: Absolute path of the directory of collections.
            metadata: Path of the directory of the files that describe collections; may be the same.
            auto_create: Whether to create missing directories.
            durable: Whether to wait until writes, and file names, are on the disk.
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
        """Return the contents of a file; None if it is missing.

        Raises:
            PathSecurityError: The address leads outside the tree, through a link, or to a special file.
        """
        return _read(self._root, address)

    def write(self, entries: Sequence[tuple[str, bytes]]) -> None:
        """Write or replace files; before they are moved into place, a failure leaves none of them.

        Raises:
            FileNotFoundError: A directory is missing.
        """
        self._write(entries, self._lock.held(shared=True), lambda: True)

    def write_if(self, address: str, data: bytes, version: str | None) -> bool:
        """Write a file if the existing one has the version, or if it is missing and `version` is None."""

        def may() -> bool:
            found = self.read(address)
            return (None if found is None else VersionedBytesStore.version_of(found)) == version

        return may() and self._write([(address, data)], self._lock.held(), may)

    def remove(self, addresses: Sequence[str]) -> None:
        """Remove files; missing ones are ignored."""
        with ExitStack() as stack:
            there = [
                (directory, name)
                for directory, name in self._targets(stack, addresses, skips_missing=True).values()
                if directory.has_file(name)
            ]
            if there:
                with self._lock.held(shared=True):
                    for directory, name in there:
                        directory.remove(name)
                self._sync(*(directory for directory, _ in there))

    def remove_if(self, address: str, version: str) -> bool:
        """Remove a file if it has the version."""
        [taken] = self.take([address], lambda _, data: VersionedBytesStore.version_of(data) == version)
        if isinstance(taken, Exception):
            raise taken
        return taken is not None

    def take(
        self, addresses: Sequence[str], is_own: Callable[[str, bytes], bool] | None = None
    ) -> list[bytes | Exception | None]:
        """Remove files and return their contents; None for missing files.

        Args:
            addresses: Addresses of the files; the content of a repeated address is returned only once.
            is_own: Function that decides from an address and its content whether to remove the file; None
                removes all.
        """
        taken: dict[str, bytes | Exception] = {}
        with ExitStack() as stack:
            targets = self._targets(stack, addresses, skips_missing=True)
            there = {address: target for address, target in targets.items() if _is_there(*target)}
            if there:
                with self._lock.held():
                    for address, data in _read_each(there).items():
                        directory, name = there[address]
                        if isinstance(data, Exception) or (
                            (is_own is None or is_own(address, data)) and directory.remove(name)
                        ):
                            taken[address] = data
                self._sync(*(directory for directory, _ in there.values()))
        return [taken.pop(address, None) for address in addresses]

    def read_many(self, addresses: Sequence[str]) -> list[bytes | Exception | None]:
        """Return the contents of files; an exception affects only its own file."""
        with ExitStack() as stack:
            found = _read_each(self._targets(stack, addresses, skips_missing=True))
        return [found.get(address) for address in addresses]

    def page(self, prefix: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        """List addresses in the order of their directories and files.

        Args:
            prefix: Start of the addresses: either a directory and `/`, optionally with the start of a file
                name, or the start of directory names, of which only those with a description are listed.
            cursor: Address after which to start; None starts at the beginning.
            limit: Maximum number of addresses.

        Returns:
            The addresses, and the cursor of the next page, or None at the end.
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

    def any_of(self, directory: str, is_wanted: Callable[[bytes], bool]) -> bool:
        """Return whether a file in a directory satisfies a predicate; unreadable files do not."""
        with suppress(FileNotFoundError, PathSecurityError), self._opened(directory) as opened:
            for name in _entry_files(opened):
                with suppress(OSError, PathSecurityError):
                    if is_wanted(opened.read(name)):
                        return True
        return False

    def make(self, directory: str, describe: Callable[[bytes | None], bytes | None]) -> None:
        """Create the directory of a collection, and the file that describes it.

        Args:
            directory: The directory.
            describe: Function that returns the new description for the current one; None leaves it unchanged.

        Raises:
            ValueError: The directory is missing, and `auto_create` is False.
        """
        self.make_roots()
        with self._lock.held():
            with Directory.open(self._root) as root:
                if self._auto_create and root.make(directory):
                    self._sync(root)
            try:
                Directory.open(self._root, directory).close()
            except FileNotFoundError:
                absolute(self._root / directory, auto_create=False)
                raise
            data = describe(self.description(directory))
            if data is not None:
                self._write_info(f"{directory}{INFO_SUFFIX}", data)

    def make_roots(self) -> None:
        """Create the directories of the store, unless `auto_create` is False."""
        for root in {self._root, self._metadata}:
            if self._auto_create:
                for changed in make_directory(root):
                    with Directory.open(changed) as directory:
                        self._sync(directory)
            with Directory.open(root) as directory:
                directory.make(WRITING)

    def description(self, directory: str) -> bytes | None:
        """Return the description of the collection of a directory; None if it is missing."""
        return _read(self._metadata, f"{directory}{INFO_SUFFIX}")

    def described(self) -> list[str]:
        """Return the directories that have a description, in order."""
        return list(self._described("", ""))

    def destroy(self, directory: str) -> bool:
        """Remove the entries of a directory, and the directory if empty; return whether there were any."""
        *names, name = directory.split("/")
        with suppress(PathSecurityError):
            files = self._files(directory, "", "", None)
            self.remove([f"{directory}/{file}" for file in files])
            with (
                self._lock.held(),
                Directory.open(self._root, *names) as above,
                Directory.open(self._metadata, *names) as metadata,
            ):
                if above.remove_directory(name):
                    metadata.remove(f"{name}{INFO_SUFFIX}")
                self._sync(above, metadata)
            return bool(files)
        return False

    def clear(self) -> None:
        """Remove the temporary files of processes that ended before they moved them."""
        for root in {self._root, self._metadata}:
            clear(root)

    def _write(
        self,
        entries: Sequence[tuple[str, bytes]],
        lock: AbstractContextManager[None],
        may: Callable[[], bool],
    ) -> bool:
        """Write files if a predicate, which is called under a lock, allows it."""
        addresses, data = zip(*entries, strict=True)
        with temp_files(self._root, data, durable=self._durable) as files, ExitStack() as stack:
            targets = self._targets(stack, addresses)
            with lock:
                if not may():
                    return False
                for file, address in zip(files, addresses, strict=True):
                    file.move(*targets[address])
            self._sync(*(directory for directory, _ in targets.values()))
        return True

    def _write_info(self, name: str, data: bytes) -> None:
        with (
            temp_files(self._metadata, [data], durable=self._durable) as [file],
            Directory.open(self._metadata) as metadata,
        ):
            file.move(metadata, name)
            self._sync(metadata)

    def _opened(self, directory: str) -> Directory:
        return Directory.open(self._root, *(directory.split("/") if directory else ()))

    def _targets(
        self, stack: ExitStack, addresses: Sequence[str], *, skips_missing: bool = False
    ) -> dict[str, tuple[Directory, str]]:
        """Open the directories of addresses, each only once."""
        opened: dict[str, Directory] = {}
        targets: dict[str, tuple[Directory, str]] = {}
        for address in addresses:
            path, _, name = address.rpartition("/")
            try:
                if path not in opened:
                    opened[path] = stack.enter_context(self._opened(path))
                targets[address] = (opened[path], name)
            except FileNotFoundError:
                if not skips_missing:
                    raise
        return targets

    def _sync(self, *directories: Directory) -> None:
        if self._durable:
            for directory in dict.fromkeys(directories):
                directory.sync()

    def _files(self, directory: str, prefix: str, after: str, limit: int | None) -> list[str]:
        with suppress(FileNotFoundError), self._opened(directory) as opened:
            names = (name for name in _entry_files(opened) if name.startswith(prefix) and name > after)
            return list(names) if limit is None else heapq.nsmallest(limit, names)
        return []

    def _described(self, prefix: str, first: str) -> Iterator[str]:
        """Iterate over the directories that have a description, in order, starting at `first`."""
        found = (each for each in _infos(self._metadata) if each.startswith(prefix) and each >= first)
        yield from sorted(found)


def _entry_files(directory: Directory) -> Iterator[str]:
    for entry in directory.entries():
        if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
            yield entry.name


def _infos(metadata: Path, *names: str) -> Iterator[str]:
    """Iterate over the directories that have a description, unordered; 0.5 nested some of them."""
    with suppress(OSError, PathSecurityError), Directory.open(metadata, *names) as directory:
        entries = list(directory.entries())
        below = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        for entry in entries:
            if entry.name.endswith(INFO_SUFFIX):
                yield "/".join((*names, entry.name.removesuffix(INFO_SUFFIX)))
        for name in below:
            if name != WRITING:
                yield from _infos(metadata, *names, name)


def _is_there(directory: Directory, name: str) -> bool:
    try:
        return directory.has_file(name)
    except (OSError, PathSecurityError):
        return True  # Reading the file raises the actual error.


def _read_each(targets: Mapping[str, tuple[Directory, str]]) -> dict[str, bytes | Exception]:
    """Read the existing files at several addresses; an exception affects only its own file."""
    found: dict[str, bytes | Exception] = {}
    for address, (directory, name) in targets.items():
        try:
            found[address] = directory.read(name)
        except FileNotFoundError:
            continue
        except (OSError, PathSecurityError) as error:
            found[address] = error
    return found


def _read(root: Path, path: str) -> bytes | None:
    *names, name = path.split("/")
    try:
        with Directory.open(root, *names) as directory:
            return directory.read(name)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        if root.is_dir():
            return None
        raise
