"""One RocksDB directory: opened when it is used, by one process, and again after a full disk."""

import ctypes
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError
from key_value.aio.stores.base import make_directory

try:
    from rocksdict import AccessType, DbClosedError, Options, Rdict, WriteBatch, WriteOptions
except ImportError as error:
    raise ImportError("RocksDBStore needs rocksdict: pip install 'py-key-value-aio[rocksdb]'") from error

__all__ = ["Change", "Engine", "Options", "Rdict", "WriteBatch", "WriteOptions", "map_error"]

T = TypeVar("T")

Change: TypeAlias = Callable[[Rdict, WriteOptions | None], T]
"""Writes to a database, with the options that it is given; None for those of the database."""

PAUSE = 0.000_05
"""Seconds that a thread rests after a change: the driver lets no other thread run Python while it writes."""

_FULL = ("No space left", "File too large", "quota exceeded")


class Engine:
    """One RocksDB database; any thread may read, and one at a time writes.

    What is small takes microseconds, less than a thread needs to begin it: `read_at_once` and `try_at_once`
    are for the event loop, the others for a thread.
    """

    def __init__(self, source: Path | Rdict, options: Options | None, *, syncs: bool) -> None:
        """Name a database; nothing is opened.

        Args:
            source: The directory, absolute, or a database that the application opened and will close.
            options: How to open the directory.
            syncs: Whether each write to a directory waits for the disk.
        """
        self._source = source
        self._options = options
        self._rdict: Rdict | None = None
        self._is_forked = False
        self._lock = threading.Lock()
        self._has_failed = False
        self._patient: WriteOptions | None = None
        self._hasty: WriteOptions | None = None
        if isinstance(source, Path):
            self._patient = WriteOptions()
            self._patient.sync = syncs
            if not syncs:
                self._hasty = WriteOptions()
                self._hasty.no_slowdown = True
        _engines.add(self)

    def read_at_once(self, address: str) -> tuple[object] | None:
        """Return the value at an address; None if the database has to be opened first, by `read`.

        Raises:
            StoreConnectionError: This process was forked from the one that opened it.
        """
        rdict = self._rdict
        if rdict is None:
            return None
        if self._is_forked:
            self._refuse_fork()
        try:
            return (rdict.get(address),)
        except DbClosedError:
            return None

    def read(self, work: Callable[[Rdict], T], nothing: T) -> T:
        """Read from the database; `nothing` where there is none.

        Raises:
            StoreConnectionError: It is in use, or this process was forked from the one that opened it.
        """
        self._refuse_fork()
        rdict = self._rdict
        if rdict is not None:
            with suppress(DbClosedError):
                return work(rdict)
        # It is not open yet, or is being opened again after a full disk.
        with self._lock:
            rdict = self._find()
            return nothing if rdict is None else work(rdict)

    def try_at_once(self, work: Change[T]) -> tuple[T] | None:
        """Write to the database, unless that would have to wait.

        Returns:
            What `work` returned; None where it has to be done by `change`.
        """
        hasty = self._hasty
        if hasty is None or not self._lock.acquire(blocking=False):
            return None
        try:
            if self._is_forked:
                self._refuse_fork()
            rdict = self._rdict
            return None if rdict is None or self._has_failed else (work(rdict, hasty),)
        except Exception as error:
            if str(error).startswith("Result incomplete"):
                return None
            self._note(error)
            raise
        finally:
            self._lock.release()

    def change(self, work: Change[T], nothing: T, *, makes: bool) -> T:
        """Write to the database while no other thread does.

        Args:
            work: What to do.
            nothing: What to return if there is no database.
            makes: Whether to make it then instead.
        """
        self._refuse_fork()
        with self._lock:
            self._recover()
            rdict = self._find() or (self._make() if makes else None)
            if rdict is None:
                return nothing
            try:
                result = work(rdict, self._patient)
            except Exception as error:
                self._note(error)
                raise
        time.sleep(PAUSE)
        return result

    def find(self) -> None:
        """Open the database, if there is one."""
        self.read(lambda _: None, None)

    def close(self) -> None:
        """Write everything to the tables, and close what was opened here.

        What a full disk keeps out of the tables is in the log, from which the next opening reads it.
        """
        if self._is_forked:
            return
        with self._lock:
            rdict, self._rdict = self._rdict, None
            if rdict is None or rdict is self._source:
                return
            try:
                if not self._has_failed:
                    rdict.flush(wait=True)
                rdict.close()
            except Exception as error:
                if not (self._has_failed or _is_full(error)):
                    raise
            finally:
                self._has_failed = False

    def leave_to_parent(self) -> None:
        """Never close, in a forked child, what its parent has open.

        RocksDB would wait for threads that the child does not have, and write to files of the parent's.
        """
        self._lock = threading.Lock()
        self._is_forked = self._rdict is not None
        if self._rdict is not self._source:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._rdict))

    def _note(self, error: Exception) -> None:
        # After an error of the disk RocksDB refuses all writes until it is opened again.
        self._has_failed = str(error).startswith("IO error")

    def _find(self) -> Rdict | None:
        if self._rdict is None and isinstance(self._source, Path) and not (self._source / "CURRENT").exists():
            return None
        return self._rdict or self._open()

    def _make(self) -> Rdict:
        if isinstance(self._source, Path):
            # RocksDB makes its files as the umask says, but no other user can enter the directory.
            make_directory(self._source)
        return self._open()

    def _open(self, access: AccessType | None = None) -> Rdict:
        source = self._source
        self._rdict = source if isinstance(source, Rdict) else _opened(source, self._options, access)
        return self._rdict

    def _recover(self) -> None:
        """Open the database again after an error of the disk."""
        if not self._has_failed or isinstance(self._source, Rdict):
            return
        rdict, self._rdict = self._rdict, None
        if rdict is not None:
            with suppress(Exception):
                rdict.close()
        try:
            self._open()
        except Exception:
            # There is still no room: what was stored can be read meanwhile.
            with suppress(Exception):
                self._open(AccessType.read_only())
            raise
        self._has_failed = False

    def _refuse_fork(self) -> None:
        if self._is_forked:
            raise StoreConnectionError(
                message="RocksDB lets one process use a directory, and this one was forked from the process "
                "that opened it: make a store of its own for another directory, or open it after the fork"
            )


def map_error(store: str, error: Exception) -> KeyValueStoreError | None:
    """Map one of rocksdict's errors, most of which are plain exceptions; None for any other."""
    text = str(error)
    kind = KeyValueStoreError
    if isinstance(error, DbClosedError | OSError):
        kind = StoreConnectionError
    elif type(error) is not Exception:
        return None
    elif "lock" in text:
        kind = StoreConnectionError
        text = f"RocksDB lets one process at a time use a directory, once, and it is in use: {text}"
    elif text.startswith("IO error") and not _is_full(error):
        kind = StoreConnectionError
    return kind(message=f"{store}: {text}")


def _is_full(error: Exception) -> bool:
    """Whether the disk is full, or a limit on files is reached."""
    return any(text in str(error) for text in _FULL)


def _opened(path: Path, options: Options | None, access: AccessType | None) -> Rdict:
    options, access = options or Options(), access or AccessType.read_write()
    try:
        rdict = Rdict(str(path), options, access_type=access)
    except Exception as error:
        # The driver rewrites its configuration file when it opens. A process that was killed then left half
        # of one, so that the database seems to be another driver's; the attempt that failed has mended it.
        if "comparator" not in str(error):
            raise
        rdict = Rdict(str(path), options, access_type=access)
    # Nothing here is a pickle, and to load one is to run what it says.
    rdict.set_loads(bytes)
    return rdict


_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


def _leave_all() -> None:
    for engine in _engines:
        engine.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
