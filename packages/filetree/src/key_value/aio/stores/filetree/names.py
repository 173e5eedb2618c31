"""The names of directories and files, including those of the 0.5 series."""

import os
import re
from functools import lru_cache
from pathlib import Path

from typing_extensions import override

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base import (
    Address,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
    file_names,
)
from key_value.aio.stores.filetree.atomic import WRITING
from key_value.aio.stores.filetree.files import INFO_SUFFIX, SUFFIX

_LEADS_ELSEWHERE = re.compile(r"[/\\:\x00]|^\.{0,2}\Z" if os.name == "nt" else r"[/\x00]|^\.{0,2}\Z")
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_NOT_ON_WINDOWS = re.compile(
    r'[\\:<>"|?*]|[. ](?=/|\Z)|(?:^|/)(?:con|prn|aux|nul|com\d|lpt\d)(?=[./]|\Z)', re.IGNORECASE
)
_RESERVED = "|".join([r"^\.{1,2}\Z", f"^{re.escape(WRITING)}\\Z", f"{re.escape(INFO_SUFFIX)}\\Z"])
_HASHED = ("H_", "S_")
"""Prefixes of names in which a strategy of the 0.5 series has put a hash."""

_ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

# https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation
_WINDOWS_PATH = 260
_LONGEST = 255


class FileNames(Names):
    """Maps an entry to `{collection}/{key}.json`, with names that the file system supports.

    With custom strategies, two entries may share a file.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keys: SanitizationStrategy | None,
        collections: SanitizationStrategy | None,
    ) -> None:
        """Determine which names the file system supports.

        Args:
            directory: Directory of the store, which may not exist yet.
            keys: Strategy that maps keys to file names; None keeps every key that the file system supports.
            collections: The same for collections.
        """
        self._are_ours = keys is None, collections is None
        super().__init__(
            keys=keys or file_names(directory, suffix=SUFFIX, probe=WRITING),
            collections=collections
            or file_names(directory, unsafe=_RESERVED, suffix=INFO_SUFFIX, probe=WRITING),
            separator="/",
            suffix=SUFFIX,
            ignores_case=True,
        )
        # Each operation needs these names several times.
        self._key = lru_cache(maxsize=1024)(self._find_key)
        self._says = lru_cache(maxsize=1024)(_says)

    @override
    def collection(self, collection: str) -> str:
        return _checked(super().collection(collection), collection)

    @override
    def key(self, key: str) -> str:
        return self._key(key)

    def _find_key(self, key: str) -> str:
        # 0.5 accepted the forms that its strategies reserve, and random key generators rely on that.
        return _checked(self.keys.sanitize(key), key, SUFFIX)

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        directory, file = address[: -len(SUFFIX)].split("/")
        plain_key = key if self._are_ours[0] else file
        plain_collection = collection if self._are_ours[1] else directory
        if (plain_collection, plain_key) == (directory, file):
            return None
        former = _path(plain_collection, plain_key)
        return None if former == address else former

    @override
    def starts(self, collection: str, prefix: str) -> list[str]:
        ours = self.prefix(collection)
        former = _path(collection, "") if self._are_ours[1] and "/" in collection else None
        return [ours] if former is None else [ours, former.removesuffix(SUFFIX)]

    @override
    def entry(self, address: str) -> Address | None:
        directory, _, file = address.rpartition("/")
        file = file[: -len(SUFFIX)]
        collection = directory if "/" in directory else _original(self.collections, directory)
        key = _original(self.keys, file)
        return None if key is None or collection is None else Address(collection, key)

    def says(self, collection: str, key: str) -> bool:
        """Return whether the directory and the file name contain the whole names of an entry."""
        return self._says(self.collections, collection) and self._says(self.keys, key)

    def must_name(self, collection: str, key: str) -> bool:
        """Return whether a document without names belongs to another entry, because 0.5 used another file."""
        return (self._are_ours[0] and self.key(key) != key) or (
            self._are_ours[1] and self._known_collection(collection) != collection
        )


class FileTreeV1KeySanitizationStrategy(HybridSanitizationStrategy):
    """Keeps letters, digits and `_` of a key; a changed key is marked with `S_` and a part of its hash."""

    def __init__(self, directory: Path) -> None:
        """Determine the maximum length of a file name.

        Args:
            directory: Directory of the store, which may not exist yet.
        """
        left = get_max_path_length(directory) - len(str(directory))
        length = min(left, get_max_file_name_length(directory) - len(SUFFIX))
        super().__init__(max_length=length, allowed_characters=_ALLOWED)


class FileTreeV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Keeps letters, digits and `_` of a collection; a changed one is marked in the same way as a key."""

    def __init__(self, directory: Path) -> None:
        """Determine the maximum length of a directory name.

        Args:
            directory: Directory of the store, which may not exist yet.
        """
        length = get_max_file_name_length(directory) - len(INFO_SUFFIX)
        super().__init__(max_length=length, allowed_characters=_ALLOWED)


def get_max_path_length(root: Path) -> int:
    """Return the maximum length of a path in characters, for a directory that may not exist yet."""
    return _limit(root, "PC_PATH_MAX", _WINDOWS_PATH)


def get_max_file_name_length(root: Path) -> int:
    """Return the maximum length of a file name in bytes, for a directory that may not exist yet."""
    return _limit(root, "PC_NAME_MAX", _LONGEST)


def _limit(root: Path, name: str, windows: int) -> int:
    if not hasattr(os, "pathconf"):
        return windows
    root = Path(root).absolute()
    return os.pathconf(next(path for path in (root, *root.parents) if path.exists()), name)


def _checked(file: str, name: str, suffix: str = "") -> str:
    if _LEADS_ELSEWHERE.search(file + suffix):
        raise PathSecurityError(
            message=f"{name!r} resolves outside of its directory", extra_info={"file": file + suffix}
        )
    return file


def _path(collection: str, key: str) -> str | None:
    """Return the path below the root that 0.5 used; None if it rejected the names or shared the path.

    `b/c` in `a` shared the file of `c` in `a/b`, and `../b` was a file next to the collections.
    """
    path = f"{key[3:]}{SUFFIX}" if key.startswith("../") else f"{collection}/{key}{SUFFIX}"
    components = path.split("/")
    is_ours = "/" not in key.removeprefix("../") and not {"", ".", ".."}.intersection(components)
    is_plain = path.isprintable() and not (os.name == "nt" and _NOT_ON_WINDOWS.search(path))
    is_short = is_plain and all(len(each.encode()) <= _LONGEST for each in components)
    return path if is_ours and is_short else None


def _says(strategy: SanitizationStrategy, name: str) -> bool:
    return strategy.sanitize(name) == name and _original(strategy, name) == name


def _original(strategy: SanitizationStrategy, file: str) -> str | None:
    name = strategy.try_unsanitize(file)
    if name is None and not file.startswith(_HASHED) and strategy.sanitize(file) == file:
        return file
    return name
