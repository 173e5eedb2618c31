"""The files of large values, in two levels of directories below that of a cache."""

import os
import re
import secrets
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from typing import Final

from key_value.aio.errors import DeserializationError, PathSecurityError
from key_value.aio.stores.base import Directory

SUFFIX: Final = "-kv.val"
"""Suffix of files that this library wrote, which distinguishes them from diskcache's."""

_LEVEL = re.compile(r"^[0-9a-f]{2}\Z")
_OURS = re.compile(f"{SUFFIX}\\Z")

_ATTEMPTS = 10

_REST = 0.001
"""Seconds that the thread sleeps after a large value.

Each of its system calls releases the GIL and acquires it again. On a busy machine the event loop would get it
late.
"""


class ValueFiles:
    """The value files below a directory; no name from the database leads outside it, even through links."""

    def __init__(self, root: Path) -> None:
        """Initialize with a directory.

        Args:
            root: Directory of the cache.
        """
        self._root = root
        self._written: list[object] = []
        self._unused: list[object] = []

    def begin(self) -> None:
        """Begin a transaction."""
        self._written, self._unused = [], []

    def end(self, *, kept: bool) -> None:
        """End a transaction: remove discarded files if it was committed, new files if it was rolled back."""
        for filename in self._unused if kept else self._written:
            self._remove(filename)

    def discard(self, filename: object) -> None:
        """Remove a file once the transaction is committed; None is ignored."""
        if filename is not None:
            self._unused.append(filename)

    def keep(self, filename: object) -> None:
        """Remove a file if the transaction is rolled back; None is ignored."""
        if filename is not None:
            self._written.append(filename)

    def sweep(self, used: Container[object]) -> None:
        """Discard files that this library wrote and no row uses."""
        for first in self._names(_LEVEL):
            for second in self._names(_LEVEL, first):
                for name in self._names(_OURS, first, second):
                    if (filename := f"{first}/{second}/{name}") not in used:
                        self.discard(filename)

    def read(self, filename: object, limit: int | None = None) -> bytes:
        """Return the contents of a file, up to `limit` bytes.

        Raises:
            FileNotFoundError: The file is missing.
            DeserializationError: The name leads outside the directory, or the file is not a regular file.
        """
        with os.fdopen(self._open(filename), "rb", buffering=0) as file:
            if limit is not None:
                return file.read(limit)
            data = file.readall()
        time.sleep(_REST)
        return data

    def check(self, filename: object) -> None:
        """Raise for the names that `read` rejects."""
        os.close(self._open(filename))

    def write(self, data: bytes) -> str:
        """Write a new file and return its name; the file is removed if the transaction is rolled back."""
        token = secrets.token_hex(16)
        filename = f"{token[:2]}/{token[2:4]}/{token[4:]}{SUFFIX}"
        self.keep(filename)
        with os.fdopen(self._create(filename), "wb") as file:
            file.write(data)
        time.sleep(_REST)
        return filename

    def _remove(self, filename: object) -> None:
        """Remove a file, if it exists, and its directories, if they are empty.

        A name that leads outside the directory is ignored.
        """
        with suppress(OSError, PathSecurityError, DeserializationError):
            *levels, name = _split(filename)
            with Directory.open(self._root, *levels) as directory:
                directory.remove(name)
            while levels:
                empty = levels.pop()
                with Directory.open(self._root, *levels) as directory:
                    if not directory.remove_directory(empty):
                        return

    def _names(self, pattern: re.Pattern[str], *levels: str) -> list[str]:
        with suppress(OSError, PathSecurityError), Directory.open(self._root, *levels) as directory:
            return [entry.name for entry in directory.entries() if pattern.search(entry.name)]
        return []

    def _open(self, filename: object) -> int:
        *levels, name = _split(filename)
        try:
            with Directory.open(self._root, *levels) as directory:
                return directory.open_file(name)
        except (PathSecurityError, NotADirectoryError) as error:
            raise DeserializationError(message=f"The value's file is rejected: {error}") from error

    def _create(self, filename: str) -> int:
        for _ in range(_ATTEMPTS):
            # Another process may have removed the directories while they were empty.
            with suppress(FileNotFoundError):
                return self._create_once(*_split(filename))
        return self._create_once(*_split(filename))

    def _create_once(self, first: str, second: str, name: str) -> int:
        for levels, level in (((), first), ((first,), second)):
            with Directory.open(self._root, *levels) as directory:
                directory.make(level)
        with Directory.open(self._root, first, second) as directory:
            return directory.open_file(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def _split(filename: object) -> list[str]:
    """Return the components of a file name, which diskcache writes with the separator of its system."""
    if not isinstance(filename, str):
        raise DeserializationError(message="The name of the value's file is not text")
    return re.split(r"[/\\]", filename)
