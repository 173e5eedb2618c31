"""Paths, directories, and names that a file system holds and keeps apart."""

import os
import re
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

_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]+):/")
"""The beginning of a URL, also of one that became a `Path`; a drive of Windows has one letter."""


def file_names(
    directory: Path, *, unsafe: str | None = None, suffix: str = "", probe: str | None = None
) -> EscapingStrategy:
    """Return how files are named in a directory, which may be missing yet: by their own names if that can be.

    Args:
        directory: The directory.
        unsafe: A regular expression for what else is encoded.
        suffix: What every file's name ends with.
        probe: See `folds_case`.
    """
    parts = [unsafe_in_names(sys.platform, folds_case=folds_case(directory, probe=probe))]
    if unsafe is not None:
        parts.append(unsafe)
    return EscapingStrategy("|".join(parts), max_bytes=longest_name(directory) - len(suffix))


def unsafe_in_names(platform: str, *, folds_case: bool) -> str:
    """Return the regular expression for what a system cannot hold in a name, or takes for something else.

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


def folds_case(directory: Path, *, probe: str | None = None) -> bool:
    """Return whether names that differ in case alone are one in a directory, judged by a name that is there.

    Args:
        directory: The directory; if it is missing or empty, the one above it decides.
        probe: A name to judge by, if it is there: one that is not removed meanwhile.
    """
    for place in (directory, *directory.parents):
        for name in _names_in(place, probe):
            swapped = name.swapcase()
            if swapped != name:
                return _is_one_file(place / name, place / swapped)
    return False


def longest_name(directory: Path) -> int:
    """Return how many bytes a file's name may have in a directory, which may be missing yet."""
    if not hasattr(os, "pathconf"):
        return _WINDOWS_NAME
    return os.pathconf(existing(directory), "PC_NAME_MAX")


def existing(directory: Path) -> Path:
    """Return a directory, or the nearest one above it that is there."""
    directory = directory.absolute()
    return next(place for place in (directory, *directory.parents) if place.exists())


def absolute(path: Path | str, *, auto_create: bool = True) -> Path:
    """Return a path as it is meant now: absolute, `~` being the home directory.

    The process may change its working directory later, which must not move the data.

    Args:
        path: The path.
        auto_create: Whether it may be missing; False requires that it is a directory.

    Raises:
        ValueError: It is a URL, or no directory where it must be one.
    """
    if (scheme := _SCHEME.match(str(path))) is not None:
        raise ValueError(
            f"path must be a path of the file system, not a URL: {scheme[1]}://...; "
            "key_value.aio.urls has open_store for URLs"
        )
    found = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 -- resolves `..`, but no links
    if not (auto_create or found.is_dir()):
        message = f"Directory '{found}' does not exist. "
        raise ValueError(f"{message}Either create the directory manually or set auto_create=True.")
    return found


def make_directory(directory: Path) -> list[Path]:
    """Create a directory and those above it, for their owner alone whatever the umask, if they are missing.

    Returns:
        The directories in which one was created.
    """
    if directory.is_dir():
        return []
    changed = make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    return [*changed, directory.parent]


def _names_in(directory: Path, probe: str | None) -> list[str]:
    if probe is not None and (directory / probe).exists():
        return [probe]
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
