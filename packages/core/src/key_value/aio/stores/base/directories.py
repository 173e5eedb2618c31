"""Directories whose entries are opened without following symbolic links."""

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

from typing_extensions import Self

from key_value.aio.errors import PathSecurityError

P = ParamSpec("P")
T = TypeVar("T")

_WINDOWS: Final[bool] = os.name == "nt"
_NO_COMPONENT = re.compile(r"[/\\:\x00]|^\.{0,2}\Z" if _WINDOWS else r"[/\x00]|^\.{0,2}\Z")

_NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY: Final[int] = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)
# O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
_FILE: Final[int] = _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_BUSY: Final = (None, 5, 32)
"""ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION, raised while another thread or process has the file open;
`os.open` reports neither."""

_PATIENCE = 2.0
"""Seconds during which an operation that Windows temporarily refuses is retried."""

_CHUNK = 65_536
"""Bytes to read at a time."""


class Directory:
    """An open directory. Each entry is reached by a single name, and links among them are never followed.

    Windows has no calls relative to an open directory, so there the path is checked before each use.

    Attributes:
        path: Path of the directory, for error messages.
    """

    __slots__ = ("_file", "_path")

    def __init__(self, path: str, file: int | None) -> None:
        """Wrap an open directory.

        Args:
            path: Path of the directory.
            file: Its descriptor, which `close` closes; None if the directory is accessed by path.
        """
        self._path = path
        self._file = file

    @property
    def path(self) -> Path:
        """The path of the directory."""
        return Path(self._path)

    @classmethod
    def open(cls, root: Path, *names: str) -> Self:
        """Open a directory below a root.

        Args:
            root: Path chosen by the application, which may contain links.
            *names: Names of the nested directories below it, outermost first.

        Raises:
            FileNotFoundError: One of the directories is missing.
            PathSecurityError: A name is not the name of a single directory, or one of the directories is a
                link.
        """
        if _WINDOWS:
            _require_directory(root.stat(), str(root))
        elif not names:
            return cls(str(root), os.open(root, _DIRECTORY & ~_NOFOLLOW))
        directory = cls(str(root), None)
        for name in names:
            with directory:
                directory = directory._enter(name)
        return directory

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the directory."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def open_file(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a regular file and return its descriptor; a new file is accessible only to its owner.

        Raises:
            FileNotFoundError: The file is missing.
            PathSecurityError: The name refers to a link, or not to a regular file.
        """
        file = self._open(name, flags | _FILE, 0o600)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise PathSecurityError(message=f"'{self._beside(name)}' is not a regular file")
        return file

    def has_file(self, name: str) -> bool:
        """Return whether a regular file exists, without opening it.

        SQLite's locks belong to the process, which loses them when it closes any descriptor of the file.

        Raises:
            PathSecurityError: The name refers to a link, or not to a regular file.
        """
        try:
            status = self._refuse_link(self._at(name))
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(status.st_mode):
            raise PathSecurityError(message=f"'{self._beside(name)}' is not a regular file")
        return True

    def read(self, name: str) -> bytes:
        """Read a regular file; see `open_file`."""
        file = self.open_file(name)
        try:
            return b"".join(iter(lambda: os.read(file, _CHUNK), b""))
        finally:
            os.close(file)

    def make(self, name: str) -> bool:
        """Create a directory accessible only to its owner; return False if the name already exists."""
        try:
            os.mkdir(self._at(name), 0o700, dir_fd=self._file)
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> bool:
        """Remove a file, or a link itself; return False if it is missing."""
        try:
            _patiently(os.unlink, self._at(name), dir_fd=self._file)
        except FileNotFoundError:
            return False
        return True

    def remove_directory(self, name: str) -> bool:
        """Remove a directory if it is empty; return False if it is not empty or not a directory."""
        try:
            os.rmdir(self._at(name), dir_fd=self._file)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def move(self, name: str, target: "Directory", new_name: str) -> None:
        """Move a file into a directory, replacing any file or link of that name."""
        old, new = self._at(name), target._at(new_name)
        _patiently(os.replace, old, new, src_dir_fd=self._file, dst_dir_fd=target._file)

    def entries(self) -> "Generator[os.DirEntry[str]]":
        """Iterate over the entries of the directory, in no particular order."""
        with os.scandir(self._path if self._file is None else self._file) as entries:
            yield from entries

    def sync(self) -> None:
        """Wait until the names in the directory are on disk; Windows has no such call."""
        if self._file is not None:
            try:
                os.fsync(self._file)
            except OSError as error:
                # Some network file systems have no such call and do not need one.
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise

    def _enter(self, name: str) -> Self:
        path = self._beside(name)
        if _WINDOWS:
            _require_directory(self._refuse_link(self._at(name)), path)
            return type(self)(path, None)
        return type(self)(path, self._open(name, _DIRECTORY, 0))

    def _open(self, name: str, flags: int, mode: int) -> int:
        at = self._at(name)
        if _WINDOWS:
            try:
                self._refuse_link(at)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    raise
        try:
            return _patiently(os.open, at, flags, mode, dir_fd=self._file)
        except OSError as error:
            if not _WINDOWS and error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                self._refuse_link(at)
            if error.errno == errno.ENXIO:
                message = f"'{self._beside(name)}' is not a regular file"
                raise PathSecurityError(message=message) from error
            raise

    def _at(self, name: str) -> str:
        """Return the name, checked to be one component, or the full path where calls cannot be relative."""
        if _NO_COMPONENT.search(name):
            raise PathSecurityError(
                message=f"{name!r} is outside its directory", extra_info={"directory": self._path}
            )
        return self._beside(name) if self._file is None else name

    def _beside(self, name: str) -> str:
        return f"{self._path}{os.sep}{name}"

    def _refuse_link(self, at: str) -> os.stat_result:
        status = os.lstat(at) if self._file is None else os.lstat(at, dir_fd=self._file)
        # A junction points elsewhere as a link does, but Windows reports it as a directory.
        if stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == 0xA0000003:
            path = os.path.join(self._path, at)  # noqa: PTH118 -- an absolute path is returned unchanged
            raise PathSecurityError(
                message=f"'{path}' is a link, and links inside the directory are not allowed"
            )
        return status


def _require_directory(status: os.stat_result, path: str) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)


def _patiently(operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an operation, retrying while Windows refuses it because the file is open elsewhere."""
    if not _WINDOWS:
        return operation(*args, **kwargs)
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return operation(*args, **kwargs)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _BUSY or time.monotonic() > end:
                raise
        time.sleep(0.005)
