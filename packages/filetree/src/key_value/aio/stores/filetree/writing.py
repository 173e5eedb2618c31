"""Writing whole files, or none."""

import errno
import os
import secrets
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import Final, NamedTuple

from key_value.aio.stores.base.files import make_directory
from key_value.aio.stores.filetree.locking import Lock, claim

TEMPORARY = ".tmp"
"""What the name of a file ends with that is not yet in its place."""

_DIRECTORY: Final[int] = getattr(os, "O_DIRECTORY", 0)
_CLOSES_TO_MOVE: Final[bool] = os.name == "nt"


class Draft(NamedTuple):
    """A file that is not yet in its place."""

    path: Path
    file: BufferedWriter

    def move(self, place: Path) -> None:
        """Put the file in its place, where it replaces any that is there."""
        if _CLOSES_TO_MOVE:
            self.file.close()
        self.path.replace(place)


class Desk:
    """The directory in which files are written before they are moved to their place; one thread's own.

    Attributes:
        directory: The directory; what is in it has random names.
        lock: Holds back others who change the same tree.
    """

    def __init__(self, directory: Path, *, durable: bool) -> None:
        """Name a directory.

        Args:
            directory: It is on the file system of the places that files are moved to.
            durable: Whether to wait until what is written is on the disk.
        """
        self.directory = directory
        self.lock = Lock(directory / "lock")
        self._durable = durable

    @contextmanager
    def drafts(self, data: Sequence[bytes]) -> Generator[Sequence[Draft]]:
        """Files that hold some data, on the disk; those that were not moved are gone at the end."""
        with ExitStack() as stack:
            drafts = [stack.enter_context(_draft(self.directory, each)) for each in data]
            if self._durable:
                for draft in drafts:
                    os.fsync(draft.file.fileno())
            yield drafts

    def sync(self, directory: Path) -> None:
        """Wait until the names in a directory are on the disk; Windows has no way to."""
        if self._durable and _DIRECTORY:
            file = os.open(directory, os.O_RDONLY | _DIRECTORY)
            try:
                os.fsync(file)
            except OSError as error:
                # Some network file systems have no way to, and need none.
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise
            finally:
                os.close(file)

    def make(self, directory: Path) -> None:
        """Make a directory and those above it, for their owner alone, where they are missing."""
        for changed in make_directory(directory):
            self.sync(changed)

    def clear(self) -> None:
        """Remove the drafts of processes that ended before they were done."""
        with suppress(FileNotFoundError):
            for path in self.directory.iterdir():
                if path.suffix == TEMPORARY:
                    _remove_if_left(path)


@contextmanager
def _draft(directory: Path, data: bytes) -> Generator[Draft]:
    """A file with some data, locked so that it can be told from what was left behind."""
    path = directory / f"{secrets.token_hex(8)}{TEMPORARY}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            claim(descriptor)
            file.write(data)
            file.flush()
            yield Draft(path, file)
    finally:
        path.unlink(missing_ok=True)


def _remove_if_left(path: Path) -> None:
    # On Windows it is the system that refuses to remove what a process still has open.
    with suppress(FileNotFoundError, PermissionError):
        with path.open("rb") as file:
            is_left = claim(file.fileno())
        if is_left:
            path.unlink()
