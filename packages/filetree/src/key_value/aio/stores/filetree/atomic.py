"""Files that are written whole, and the lock under which they are moved into place."""

import ctypes
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base import Directory

try:
    import fcntl
except ImportError:
    import msvcrt

    _windows: Any = ctypes
    _kernel: Any = _windows.WinDLL("kernel32", use_last_error=True)
    _runtime: Any = msvcrt
    _IMMEDIATELY, _EXCLUSIVE = 1, 2
    _VIOLATION = 33
    _BEYOND = 0x7FFFFFFF  # Windows keeps others from reading and writing what is locked.

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            *(("Internal", ctypes.c_size_t), ("InternalHigh", ctypes.c_size_t)),
            *(("Offset", ctypes.c_uint32), ("OffsetHigh", ctypes.c_uint32), ("hEvent", ctypes.c_void_p)),
        )

    # https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-lockfileex: it queues those that
    # wait, where msvcrt.locking polls once a second and gives up after ten.
    def _call(function: str, file: int, *arguments: int) -> bool:
        handle, at = ctypes.c_void_p(_runtime.get_osfhandle(file)), _Overlapped(OffsetHigh=_BEYOND)
        if _kernel[function](handle, *arguments[:1], 0, 1, 0, ctypes.byref(at)):
            return True
        error: OSError = _windows.WinError(_windows.get_last_error())
        if getattr(error, "winerror", None) == _VIOLATION:
            return False
        raise error

    def _acquire(file: int, *, shared: bool) -> None:
        _call("LockFileEx", file, 0 if shared else _EXCLUSIVE)

    def _release(file: int) -> None:
        _call("UnlockFileEx", file)

    def claim(file: int) -> bool:
        """Lock a file for as long as it is open; False where another has done so."""
        return _call("LockFileEx", file, _EXCLUSIVE | _IMMEDIATELY)
else:

    def _acquire(file: int, *, shared: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def _release(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def claim(file: int) -> bool:
        """Lock a file for as long as it is open; False where another has done so."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


WRITING: Final = ".writing"
"""The directory in a root in which files are written before they are moved into place."""

_TEMPORARY = ".tmp"


class Lock:
    """Excludes the other threads and processes that change the same tree; it belongs to one thread."""

    def __init__(self, root: Path) -> None:
        """Name a tree; the file to lock is made when the lock is first acquired.

        Args:
            root: The root of the tree, which must be there then.
        """
        self._root = root
        self._file: int | None = None
        self._process = 0

    @contextmanager
    def held(self, *, shared: bool = False) -> Generator[None]:
        """Exclude all others, or those alone that do not share the lock."""
        file = self._acquired(shared=shared)
        try:
            yield
        finally:
            _release(file)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None and self._process == os.getpid():
            os.close(file)

    def _acquired(self, *, shared: bool) -> int:
        while True:
            # A forked child shares the lock of a descriptor that it inherits.
            if self._file is None or self._process != os.getpid():
                self._file, self._process = self._open(), os.getpid()
            _acquire(self._file, shared=shared)
            if os.fstat(self._file).st_nlink:
                return self._file
            # The file was removed: others lock a new one.
            self.close()

    def _open(self) -> int:
        with Directory.open(self._root) as root:
            root.make(WRITING)
        with Directory.open(self._root, WRITING) as directory:
            return directory.open_file("lock", os.O_RDWR | os.O_CREAT)


class TempFile:
    """A file that is not yet in place; it is locked, so that it can be told from what a crash left behind.

    Attributes:
        name: Its name.
    """

    def __init__(self, writing: Directory) -> None:
        """Make a file.

        Args:
            writing: The directory for such files.
        """
        self.name = f"{os.urandom(8).hex()}{_TEMPORARY}"
        self._writing = writing
        self._file = writing.open_file(self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._is_open = True
        self._is_moved = False

    def write(self, data: bytes) -> None:
        """Write all that the file is to hold."""
        claim(self._file)
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def sync(self) -> None:
        """Wait until it is on the disk."""
        os.fsync(self._file)

    def move(self, target: Directory, name: str) -> None:
        """Move the file into place."""
        if os.name == "nt":
            self._close()
        self._writing.move(self.name, target, name)
        self._is_moved = True

    def discard(self) -> None:
        """Close the file, and remove it unless it was moved."""
        self._close()
        if not self._is_moved:
            self._writing.remove(self.name)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._file)


@contextmanager
def temp_files(root: Path, data: Sequence[bytes], *, durable: bool) -> Generator[list[TempFile]]:
    """Write files that hold some data; those that were not moved are removed at the end.

    Args:
        root: The root of the tree.
        data: What each file is to hold.
        durable: Whether to wait until all of it is on the disk.
    """
    with Directory.open(root, WRITING) as writing, ExitStack() as stack:
        files: list[TempFile] = []
        for each in data:
            file = TempFile(writing)
            stack.callback(file.discard)
            file.write(each)
            files.append(file)
        if durable:
            for file in files:
                file.sync()
        yield files


def clear(root: Path) -> None:
    """Remove the temporary files of processes that ended before they were done.

    Reads do this too: what fails is left for another time.
    """
    with suppress(OSError, PathSecurityError), Directory.open(root, WRITING) as writing:
        for name in [entry.name for entry in writing.entries() if entry.name.endswith(_TEMPORARY)]:
            _remove_if_left(writing, name)


def _remove_if_left(writing: Directory, name: str) -> None:
    with suppress(FileNotFoundError, PathSecurityError):
        file = writing.open_file(name)
        try:
            is_left = claim(file)
        finally:
            os.close(file)
        if is_left:
            writing.remove(name)
