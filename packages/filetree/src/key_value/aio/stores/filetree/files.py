"""The files of a tree: read and written whole, without following a link; everything here blocks."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Final

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base import Directory, VersionedBytesStore, absolute, make_directory
from key_value.aio.stores.filetree.atomic import WRITING, Lock, clear, temp_files

SUFFIX: Final = ".json"
"""The end of the name of an entry's file."""

INFO_SUFFIX: Final = "-info.json"
"""The end of the name of the file that describes a collection."""


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
        return _read(self._root, address)

    def write(self, entries: Sequence[tuple[str, bytes]]) -> None:
        """Write files in place of any that are there, all or none until they are moved into place.

        Raises:
            FileNotFoundError: A directory is missing.
        """
        self._write(entries, self._lock.held(shared=True), lambda: True)

    def write_if(self, address: str, data: bytes, version: str | None) -> bool:
        """Write a file if what is there has a version, or if there is nothing and the version is None."""

        def may() -> bool:
            found = self.read(address)
            return (None if found is None else VersionedBytesStore.version_of(found)) == version

        return may() and self._write([(address, data)], self._lock.held(), may)

    def remove(self, addresses: Sequence[str]) -> None:
        """Remove files, where there are any."""
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
        """Remove a file if what is there has a version."""
        [taken] = self.take([address], lambda _, data: VersionedBytesStore.version_of(data) == version)
        if isinstance(taken, Exception):
            raise taken
        return taken is not None

    def take(
        self, addresses: Sequence[str], is_own: Callable[[str, bytes], bool] | None = None
    ) -> list[bytes | Exception | None]:
        """Remove files, and return what was in each; None where it was missing.

        Args:
            addresses: The files; what was taken of one that is there twice is returned once.
            is_own: Given an address and what it holds, returns whether to remove it; None removes all.
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
        """Read files; an exception is the result of its file alone."""
        with ExitStack() as stack:
            found = _read_each(self._targets(stack, addresses, skips_missing=True))
        return [found.get(address) for address in addresses]

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

    def any_of(self, directory: str, is_wanted: Callable[[bytes], bool]) -> bool:
        """Return whether a file of a directory holds what is wanted; those that cannot be read do not."""
        with suppress(FileNotFoundError, PathSecurityError), self._opened(directory) as opened:
            for name in _entry_files(opened):
                with suppress(OSError, PathSecurityError):
                    if is_wanted(opened.read(name)):
                        return True
        return False

    def make(self, directory: str, describe: Callable[[bytes | None], bytes | None]) -> None:
        """Make the directory of a collection, and the file that describes it.

        Args:
            directory: The directory.
            describe: Given what the file holds, returns what it is to hold; None leaves it as it is.

        Raises:
            ValueError: The directory is missing and must not be made.
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
        """Make the directories of the store, unless they must not be made."""
        for root in {self._root, self._metadata}:
            if self._auto_create:
                for changed in make_directory(root):
                    with Directory.open(changed) as directory:
                        self._sync(directory)
            with Directory.open(root) as directory:
                directory.make(WRITING)

    def description(self, directory: str) -> bytes | None:
        """Read the file that describes the collection of a directory; None where it is missing."""
        return _read(self._metadata, f"{directory}{INFO_SUFFIX}")

    def described(self) -> list[str]:
        """Return the directories that are described, in their order."""
        return list(self._described("", ""))

    def destroy(self, directory: str) -> bool:
        """Remove the entries of a directory, and it if it is empty then; return whether there were any."""
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
        """Remove the temporary files of processes that ended before they were done."""
        for root in {self._root, self._metadata}:
            clear(root)

    def _write(
        self,
        entries: Sequence[tuple[str, bytes]],
        lock: AbstractContextManager[None],
        may: Callable[[], bool],
    ) -> bool:
        """Write files, unless it turns out under a lock that they may not be."""
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
        """Open the directories of addresses, each once."""
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
        """Iterate over the directories that are described, in their order, from one on."""
        found = (each for each in _infos(self._metadata) if each.startswith(prefix) and each >= first)
        yield from sorted(found)


def _entry_files(directory: Directory) -> Iterator[str]:
    for entry in directory.entries():
        if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
            yield entry.name


def _infos(metadata: Path, *names: str) -> Iterator[str]:
    """Iterate over the directories that are described, in no order; 0.5 had some within others."""
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
        return True  # Why it is refused is found out by reading it.


def _read_each(targets: Mapping[str, tuple[Directory, str]]) -> dict[str, bytes | Exception]:
    """Read the files at addresses that have one; an exception is the result of its file alone."""
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
