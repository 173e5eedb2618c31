"""Paths, directories, and file names that a file system can hold and tell apart."""

import os
import re
import sys
from itertools import islice
from pathlib import Path

from key_value.aio._utils.escaping import EscapingStrategy

_WINDOWS_NAME = 255
"""https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation"""

RELATIVE = r"^\.{1,2}\Z"
"""Regular expression for the relative names `.` and `..`, which never name a separate directory."""

_ANY_SYSTEM = r"/|\x00"
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file, and short names such as PROGRA~1
_WINDOWS = r'[<>:"\\|?*\x01-\x1f]|~(?=\d)|[. ]\Z|^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?=\.|\Z)'
# Systems disagree on which letters are equal, so keep only the characters that all of them treat alike.
_FOLDED = r"[A-Z%]|[^\x00-\x7f]"
# Apple's file systems treat the composed and the decomposed form of a letter as equal.
_COMPOSED = r"[^\x00-\x7f]"

_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]+):/")
"""The start of a URL, including one that was converted to a `Path`; a Windows drive has one letter."""


def file_names(
    directory: Path, *, unsafe: str | None = None, suffix: str = "", probe: str | None = None
) -> EscapingStrategy:
    """Return the strategy for naming files in a directory, which may be missing; keep names where possible.

    Args:
        directory: Directory of the files.
        unsafe: Regular expression for further characters to encode.
        suffix: Suffix of every file name.
        probe: See `folds_case`.
    """
    parts = [unsafe_in_names(sys.platform, folds_case=folds_case(directory, probe=probe))]
    if unsafe is not None:
        parts.append(unsafe)
    return EscapingStrategy("|".join(parts), max_bytes=longest_name(directory) - len(suffix))


def unsafe_in_names(platform: str, *, folds_case: bool) -> str:
    """Return the regular expression for characters and names that a system cannot store or would interpret.

    Args:
        platform: `sys.platform`.
        folds_case: Whether the file system treats names that differ only in case as equal.
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
    """Return whether names that differ only in case are equal in a directory, judging by an existing name.

    Args:
        directory: Directory to check; if it is missing or empty, its parent decides.
        probe: Name to judge by, if it exists: one that is not removed in the meantime.
    """
    for place in (directory, *directory.parents):
        for name in _names_in(place, probe):
            swapped = name.swapcase()
            if swapped != name:
                return _is_one_file(place / name, place / swapped)
    return False


def longest_name(directory: Path) -> int:
    """Return the maximum length of a file name, in bytes, in a directory that may not exist yet."""
    if not hasattr(os, "pathconf"):
        return _WINDOWS_NAME
    return os.pathconf(existing(directory), "PC_NAME_MAX")


def existing(directory: Path) -> Path:
    """Return a directory, or its nearest existing ancestor."""
    directory = directory.absolute()
    return next(place for place in (directory, *directory.parents) if place.exists())


def absolute(path: Path | str, *, auto_create: bool = True) -> Path:
    """Return a path as an absolute path, with `~` expanded to the home directory.

    The process may change its working directory later, which must not change where the data is.

    Args:
        path: Path to resolve.
        auto_create: Whether the path may be missing; if False, it must be an existing directory.

    Raises:
        ValueError: The path is a URL, or is not a directory although it must be one.
    """
    if (scheme := _SCHEME.match(str(path))) is not None:
        raise ValueError(
            f"path must be a file system path, not a URL: {scheme[1]}://...; "
            "use key_value.aio.urls.open_store for URLs"
        )
    found = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 -- resolves `..`, but no links
    if not (auto_create or found.is_dir()):
        message = f"Directory '{found}' does not exist. "
        raise ValueError(f"{message}Either create the directory manually or set auto_create=True.")
    return found


def make_directory(directory: Path) -> list[Path]:
    """Create a directory and its missing parents, accessible only to their owner whatever the umask.

    Returns:
        The directories in which a new directory was created.
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
