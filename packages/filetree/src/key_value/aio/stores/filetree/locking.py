"""Locks on files, which the system releases when a process ends, however it ends."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:
    import msvcrt

    _windows: Any = msvcrt

    def _lock(file: int, *, shared: bool) -> None:  # noqa: ARG001  -- Windows has exclusive locks alone
        _windows.locking(file, _windows.LK_LOCK, 1)

    def _unlock(file: int) -> None:
        _windows.locking(file, _windows.LK_UNLCK, 1)

    def claim(file: int) -> bool:  # noqa: ARG001  -- Windows removes no file that a process has open
        """Lock a file for as long as it is open; False where another has done so."""
        return True
else:

    def _lock(file: int, *, shared: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def claim(file: int) -> bool:
        """Lock a file for as long as it is open; False where another has done so."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """Holds back the other threads and processes that change the same tree; it belongs to one thread."""

    def __init__(self, path: Path) -> None:
        """Name the file to lock.

        Args:
            path: The file; it is made when it is first locked.
        """
        self._path = path
        self._file: int | None = None

    @contextmanager
    def held(self, *, shared: bool = False) -> Generator[None]:
        """Keep the others out, or only those who do not share it."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._file, shared=shared)
        try:
            yield
        finally:
            _unlock(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
