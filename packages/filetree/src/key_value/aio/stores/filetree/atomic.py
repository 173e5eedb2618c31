"""Files that are written atomically, and the lock held while they are moved into place."""

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
    _BEYOND = 0x7FFFFFFF  # On Windows, other processes cannot read or write a locked range.

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            *(("Internal", ctypes.c_size_t), ("InternalHigh", ctypes.c_size_t)),
            *(("Offset", ctypes.c_uint32), ("OffsetHigh", ctypes.c_uint32), ("hEvent", ctypes.c_void_p)),
        )

    # https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-lockfileex: it queues waiting
    # processes, whereas msvcrt.locking polls once a second and gives up after ten seconds.
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
        """Lock a file while it is open; return False if it is already locked."""
        return _call("LockFileEx", file, _EXCLUSIVE | _IMMEDIATELY)
else:

    def _acquire(file: int, *, shared: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def _release(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def claim(file: int) -> bool:
        """Lock a file while it is open; return False if it is already locked."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


WRITING: Final = ".writing"
"""Name of the directory for files that are being written."""

_TEMPORARY = ".tmp"


class Lock:
    """A lock between threads and processes that change the same tree; used by one thread only."""

    def __init__(self, root: Path) -> None:
        """Initialize with a tree; the lock file is created when the lock is first acquired.

        Args:
            root: Root of the tree, which must exist by then.
        """
        self._root = root
        self._file: int | None = None
        self._process = 0

    @contextmanager
    def held(self, *, shared: bool = False) -> Generator[None]:
        """Hold the lock, either exclusively or shared with others."""
        file = self._acquired(shared=shared)
        try:
            yield
        finally:
            _release(file)

    def close(self) -> None:
        """Close the lock file."""
        file, self._file = self._file, None
        if file is not None and self._process == os.getpid():
            os.close(file)

    def _acquired(self, *, shared: bool) -> int:
        while True:
            # A forked child shares the locks of inherited descriptors.
            if self._file is None or self._process != os.getpid():
                self._file, self._process = self._open(), os.getpid()
            _acquire(self._file, shared=shared)
            if os.fstat(self._file).st_nlink:
                return self._file
            # The file was removed, so other processes lock a new one.
            self.close()

    def _open(self) -> int:
        with Directory.open(self._root) as root:
            root.make(WRITING)
        with Directory.open(self._root, WRITING) as directory:
            return directory.open_file("lock", os.O_RDWR | os.O_CREAT)


class TempFile:
    """A file before it is moved into place; its lock distinguishes it from files left by a crash.

    Attributes:
        name: Name of the file.
    """

    def __init__(self, writing: Directory) -> None:
        """Create a temporary file.

        Args:
            writing: Directory for temporary files.
        """
        self.name = f"{os.urandom(8).hex()}{_TEMPORARY}"
        self._writing = writing
        self._file = writing.open_file(self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        self._is_open = True
        self._is_moved = False

    def write(self, data: bytes) -> None:
        """Write the whole content of the file."""
        claim(self._file)
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]

    def sync(self) -> None:
        """Wait until the content is on the disk."""
        os.fsync(self._file)

    def move(self, target: Directory, name: str) -> None:
        """Move the file into place."""
        if os.name == "nt":
            self._close()
        self._writing.move(self.name, target, name)
        self._is_moved = True

    def discard(self) -> None:
        """Close the file, and remove it unless it was moved into place."""
        self._close()
        if not self._is_moved:
            self._writing.remove(self.name)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._file)


@contextmanager
def temp_files(root: Path, data: Sequence[bytes], *, durable: bool) -> Generator[list[TempFile]]:
    """Create temporary files with the given contents; files that are not moved are removed at the end.

    Args:
        root: Root of the tree.
        data: Contents of the files.
        durable: Whether to wait until the contents are on the disk.
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
    """Remove the temporary files of processes that ended before they moved them.

    Reads call this, too, so failures are ignored and left to a later call.
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
