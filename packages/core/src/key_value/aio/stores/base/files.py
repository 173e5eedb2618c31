"""Names that a file system holds, and does not take for one another, and directories."""

import os
import sys
from itertools import islice
from pathlib import Path

from key_value.aio._utils.escaping import EscapingStrategy

_WINDOWS_NAME = 255
"""https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation"""

RELATIVE = r"^\.{1,2}\Z"
"""The regular expression for the names of directories that are never their own."""

_ANY_SYSTEM = r"/|\x00"
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file, and the short names such as PROGRA~1
_WINDOWS = r'[<>:"\\|?*\x01-\x1f]|~(?=\d)|[. ]\Z|^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?=\.|\Z)'
# Each system has its own idea of which letters are one, so only those that all agree on are left.
_FOLDED = r"[A-Z%]|[^\x00-\x7f]"
# Apple's file systems take the composed and the decomposed form of a letter for one.
_COMPOSED = r"[^\x00-\x7f]"


def file_names(
    directory: Path, *, unsafe: str | None = None, suffix: str = "", witness: str | None = None
) -> EscapingStrategy:
    """How to name files in a directory, which may be missing yet: as they are, where that can be.

    Args:
        directory: The directory.
        unsafe: A regular expression for what else is to be encoded.
        suffix: What every file's name will end with, besides.
        witness: See `folds_case`.
    """
    parts = [unsafe_in_names(sys.platform, folds_case=folds_case(directory, witness=witness))]
    if unsafe is not None:
        parts.append(unsafe)
    return EscapingStrategy("|".join(parts), max_bytes=longest_name(directory) - len(suffix))


def unsafe_in_names(platform: str, *, folds_case: bool) -> str:
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


def folds_case(directory: Path, *, witness: str | None = None) -> bool:
    """Whether names that differ in case alone are one in a directory, judged by a name that is there.

    Args:
        directory: The directory; where it is missing or empty, the one above it is looked at.
        witness: A name to judge by, if it is there: one that nobody removes meanwhile.
    """
    for place in (directory, *directory.parents):
        for name in _names_in(place, witness):
            swapped = name.swapcase()
            if swapped != name:
                return _is_one_file(place / name, place / swapped)
    return False


def longest_name(directory: Path) -> int:
    """The bytes that the name of a file may have in a directory, which may be missing yet."""
    if not hasattr(os, "pathconf"):
        return _WINDOWS_NAME
    return os.pathconf(existing(directory), "PC_NAME_MAX")


def existing(directory: Path) -> Path:
    """A directory, or the nearest one above it that is there."""
    directory = directory.absolute()
    return next(place for place in (directory, *directory.parents) if place.exists())


def missing(directory: Path) -> str:
    """What is said of a directory that is missing and must not be made."""
    return (
        f"Directory '{directory}' does not exist. "
        "Either create the directory manually or set auto_create=True."
    )


def make_directory(directory: Path) -> list[Path]:
    """Make a directory and those above it, for their owner alone, where they are missing.

    Returns:
        The directories in which one was made.
    """
    if directory.is_dir():
        return []
    changed = make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    return [*changed, directory.parent]


def _names_in(directory: Path, witness: str | None) -> list[str]:
    if witness is not None and (directory / witness).exists():
        return [witness]
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in islice(entries, 100)]
    except OSError:
        return []


def _is_one_file(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
