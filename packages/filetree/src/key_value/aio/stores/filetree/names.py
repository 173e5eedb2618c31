"""What keys and collections are called as files and directories."""

import os
import re
import sys
from pathlib import Path

from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.sanitization import RESERVED_PREFIXES, SanitizationStrategy
from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.filetree.strategies import INFO_SUFFIX, SUFFIX, get_max_file_name_length

WRITING = ".writing"
"""The directory beside the collections in which files are written before they are moved to their place."""

_ANY_SYSTEM = r"/|\x00"
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file, and the short names such as PROGRA~1
_WINDOWS = r'[<>:"\\|?*\x01-\x1f]|~(?=\d)|[. ]\Z|^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?=\.|\Z)'
# Each system has its own idea of which letters are one, so only those that all agree on are left.
_FOLDED = r"[A-Z%]|[^\x00-\x7f]"
# Apple's file systems take the composed and the decomposed form of a letter for one.
_COMPOSED = r"[^\x00-\x7f]"
_OTHER_THAN_COLLECTIONS = (
    rf"^\.{{1,2}}\Z|^{WRITING.replace('.', '[.]')}\Z|{INFO_SUFFIX.replace('.', '[.]')}\Z"
)

_LEADS_ELSEWHERE = re.compile(r"[/\\:\x00]|^\.{0,2}\Z" if os.name == "nt" else r"[/\x00]|^\.{0,2}\Z")


def default_strategies(directory: Path) -> tuple[SanitizationStrategy, SanitizationStrategy]:
    """How to name keys and collections where a directory is, or will be: as they are, where that can be."""
    unsafe = unsafe_characters(sys.platform, folds_case=folds_case(directory))
    length = get_max_file_name_length(directory)
    return (
        EscapingStrategy(unsafe, max_bytes=length - len(SUFFIX)),
        EscapingStrategy(f"{unsafe}|{_OTHER_THAN_COLLECTIONS}", max_bytes=length - len(INFO_SUFFIX)),
    )


def unsafe_characters(platform: str, *, folds_case: bool) -> str:
    """The regular expression for what a system cannot hold in a name, or takes for something else.

    Args:
        platform: `sys.platform`.
        folds_case: Whether the file system takes names that differ in case alone for one.
    """
    parts = [_ANY_SYSTEM]
    if folds_case or platform == "win32":
        parts.append(_FOLDED)
        if platform != "darwin":
            parts.append(_WINDOWS)
    elif platform == "darwin":
        parts.append(_COMPOSED)
    return "|".join(parts)


def folds_case(directory: Path) -> bool:
    """Whether names that differ in case alone are one in a directory, judged by a name that is there."""
    for place in (directory, *directory.parents):
        for name in _names_in(place):
            swapped = name.swapcase()
            if swapped != name:
                return _is_one_file(place / name, place / swapped)
    return False


class Names:
    """What a strategy makes of names, checked to be the name of one file."""

    def __init__(
        self, strategy: SanitizationStrategy, *, suffix: str = "", refuses_reserved: bool = False
    ) -> None:
        """Choose a form.

        Args:
            strategy: What to make of a name.
            suffix: What every file's name ends with.
            refuses_reserved: Whether names are refused that the strategy keeps for itself.
        """
        self._strategy = strategy
        self._suffix = suffix
        self._refuses_reserved = refuses_reserved

    def file_name(self, name: str) -> str:
        """What the file or directory of a name is called.

        Raises:
            PathSecurityError: The strategy made something of it that leads elsewhere.
            InvalidKeyError: The strategy keeps such names for itself.
        """
        if self._refuses_reserved:
            self._strategy.validate(name)
        file = self._strategy.sanitize(name) + self._suffix
        if _LEADS_ELSEWHERE.search(file):
            raise PathSecurityError(
                message=f"{name!r} resolves outside of its directory", extra_info={"file": file}
            )
        return file

    def original(self, file: str) -> str | None:
        """The name that a file is called after, or None where it does not say."""
        if not file.endswith(self._suffix):
            return None
        stem = file[: len(file) - len(self._suffix)]
        name = self._strategy.try_unsanitize(stem)
        if name is None and not stem.startswith(RESERVED_PREFIXES) and self._strategy.sanitize(stem) == stem:
            return stem
        return name

    def is_named(self, file: str, name: str) -> bool:
        """Whether a file is the one of a name."""
        return self._strategy.sanitize(name) + self._suffix == file

    def is_lost(self, name: str) -> bool:
        """Whether the name of the file does not say what it is called after."""
        return self._strategy.try_unsanitize(self._strategy.sanitize(name)) != name


def _names_in(directory: Path) -> list[str]:
    """Names to judge by: the store's own, which nobody removes, before any other."""
    if (directory / WRITING).exists():
        return [WRITING]
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry, _ in zip(entries, range(100), strict=False)]
    except OSError:
        return []


def _is_one_file(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
