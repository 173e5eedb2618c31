"""Reading the files of a tree: whole, or as much as tells what an entry is."""

import os
from collections.abc import Generator
from pathlib import Path

from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio.errors import DeserializationError, PathSecurityError
from key_value.aio.stores.base.documents import Head, read_head
from key_value.aio.stores.filetree.strategies import SUFFIX

_START = 4096
"""Bytes in which most documents come to their value."""

UNKNOWN = Head(None, None, None)
"""What a document says that cannot be read."""


def inside(path: Path, root: Path) -> Path:
    """The path, or where it leads if it is a symbolic link.

    Raises:
        PathSecurityError: It leads out of the directory that it must be in.
    """
    if not path.is_symlink():
        return path
    target = path.resolve()
    if root not in target.parents:
        raise PathSecurityError(message=f"Path '{path}' resolves outside the allowed directory '{root}'")
    return target


def read(path: Path) -> bytes | None:
    """What is in a file; None where there is none."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read()
    except FileNotFoundError:
        return None


def head(path: Path) -> Head | None:
    """The head of a document; one that cannot be read says nothing. None where there is no file."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
            try:
                return read_head(start)
            except DeserializationError:
                return head_of(start + file.read())
    except FileNotFoundError:
        return None


def head_of(data: bytes) -> Head:
    """The head of a document; one that cannot be read says nothing."""
    try:
        return read_head(data)
    except DeserializationError:
        return UNKNOWN


def remove(path: Path) -> bool:
    """Remove a file; False where there is none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def remove_directory(path: Path) -> bool:
    """Remove a directory that is empty; False where it is not."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def read_collection(path: Path) -> str | None:
    """The collection that an info file describes; None where there is none, or it does not say."""
    data = read(path)
    try:
        name = None if data is None else load_from_json(data).get("collection")
    except DeserializationError:
        return None
    return name if isinstance(name, str) else None


def entry_files(directory: Path) -> Generator[str]:
    """The names of the files of entries in a directory, which may be missing."""
    try:
        entries = os.scandir(directory)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and not entry.is_dir(follow_symlinks=False):
                yield entry.name
