"""Values as text: in the database, or in files of their owner's alone."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from key_value.aio.stores.disk.driver import MODE_RAW, MODE_TEXT

SUFFIX = "-kv.val"
"""What the names of files end with, by which they are told from those that others wrote."""

_LARGE = 32_768
"""Characters from which a value gets a file, as in a cache that nobody configured."""

_ATTEMPTS = 10

_REST = 0.001
"""Seconds that the thread rests after a large value.

Each of its calls of the system hands the interpreter over and wants it back: on a busy machine the event loop
would get it late.
"""


class TextDisk:
    """diskcache's own form of keys and values, but for pickles, which are never read."""

    def __init__(self, directory: Path) -> None:
        """Name the directory.

        Args:
            directory: That of the cache.
        """
        self._directory = directory

    def put(self, key: str, /) -> tuple[str, bool]:
        """A key stands for itself."""
        return key, True

    def get(self, key: object, raw: bool, /) -> object:
        """A key stands for itself."""
        return key if raw else None

    def store(self, value: str, read: bool, /) -> tuple[int, int, str | None, object]:  # noqa: ARG002  -- diskcache's
        """Write a value into a file if it is large."""
        if len(value) < _LARGE:
            return 0, MODE_RAW, None, value
        data = value.encode()
        filename = self._write(data)
        time.sleep(_REST)
        return len(data), MODE_TEXT, filename, None

    def fetch(self, mode: int, filename: str | None, value: object, read: bool, /) -> object:  # noqa: ARG002
        """Read a value."""
        if mode == MODE_TEXT and filename is not None:
            data = (self._directory / filename).read_bytes()
            time.sleep(_REST)
            return data.decode()
        return value

    def remove(self, file_path: str, /) -> None:
        """Remove a file, if it is there, and its directories, if they are empty then."""
        path = self._directory / file_path
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()

    def files(self) -> set[str]:
        """The files that this wrote."""
        return {str(path.relative_to(self._directory)) for path in self._directory.glob(f"??/??/*{SUFFIX}")}

    def _write(self, data: bytes) -> str:
        name = secrets.token_hex(16)
        filename = str(Path(name[:2], name[2:4], name[4:] + SUFFIX))
        try:
            with os.fdopen(self._create(self._directory / filename), "wb") as file:
                file.write(data)
        except OSError:
            self.remove(filename)
            raise
        return filename

    def _create(self, path: Path) -> int:
        for _ in range(_ATTEMPTS):
            # Another process may have removed the directories, which are empty yet.
            with suppress(FileNotFoundError):
                return _open_new(path)
        return _open_new(path)


def _open_new(path: Path) -> int:
    path.parent.parent.mkdir(mode=0o700, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
