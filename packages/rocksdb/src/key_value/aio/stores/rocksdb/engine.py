"""A RocksDB directory: opened on first use, by one process, and reopened after a full disk."""

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
"""A function that writes to a database with the given options; None uses the options of the database."""

PAUSE = 0.000_05
"""Seconds that a thread sleeps after a change, because the driver holds the GIL while it writes."""

_FULL = ("No space left", "File too large", "quota exceeded")


class Engine:
    """One RocksDB database, read by any thread and written by one at a time.

    Small operations take microseconds, less than handing them to a thread. `read_at_once` and `try_at_once`
    are for the event loop, the other methods for a thread.
    """

    def __init__(self, source: Path | Rdict, options: Options | None, *, syncs: bool) -> None:
        """Initialize with a directory or database, without opening it.

        Args:
            source: Absolute path of the directory, or a database that the application opened and will close.
            options: Options for opening the directory.
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
        """Return the value at an address; None if `read` has to open the database first.

        Raises:
            StoreConnectionError: This process was forked from the one that opened the database.
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
        """Read from the database, or return `nothing` if there is none.

        Raises:
            StoreConnectionError: The database is in use, or this process was forked from the one that opened
                it.
        """
        self._refuse_fork()
        rdict = self._rdict
        if rdict is not None:
            with suppress(DbClosedError):
                return work(rdict)
        # The database is not open yet, or is being reopened after a full disk.
        with self._lock:
            rdict = self._find()
            return nothing if rdict is None else work(rdict)

    def try_at_once(self, work: Change[T]) -> tuple[T] | None:
        """Write to the database, unless that would have to wait.

        Returns:
            The result of `work`; None if `change` must be called instead.
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
            work: Function that writes.
            nothing: Result if there is no database.
            makes: Whether to create a missing database instead.
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
        """Open the database, if it exists."""
        self.read(lambda _: None, None)

    def close(self) -> None:
        """Flush the tables, and close the database if it was opened here.

        Data that does not fit in the tables on a full disk is in the log, and is read when it is next opened.
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
        """Keep a forked child from ever closing the database of its parent.

        RocksDB would wait for threads that do not exist in the child, and write to the parent's files.
        """
        self._lock = threading.Lock()
        self._is_forked = self._rdict is not None
        if self._rdict is not self._source:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._rdict))

    def _note(self, error: Exception) -> None:
        # After a disk error, RocksDB rejects all writes until it is reopened.
        self._has_failed = str(error).startswith("IO error")

    def _find(self) -> Rdict | None:
        if self._rdict is None and isinstance(self._source, Path) and not (self._source / "CURRENT").exists():
            return None
        return self._rdict or self._open()

    def _make(self) -> Rdict:
        if isinstance(self._source, Path):
            # RocksDB creates files according to the umask, but other users cannot enter the directory.
            make_directory(self._source)
        return self._open()

    def _open(self, access: AccessType | None = None) -> Rdict:
        source = self._source
        self._rdict = source if isinstance(source, Rdict) else _opened(source, self._options, access)
        return self._rdict

    def _recover(self) -> None:
        """Reopen the database after a disk error."""
        if not self._has_failed or isinstance(self._source, Rdict):
            return
        rdict, self._rdict = self._rdict, None
        if rdict is not None:
            with suppress(Exception):
                rdict.close()
        try:
            self._open()
        except Exception:
            # The disk is still full; stored entries can be read in the meantime.
            with suppress(Exception):
                self._open(AccessType.read_only())
            raise
        self._has_failed = False

    def _refuse_fork(self) -> None:
        if self._is_forked:
            raise StoreConnectionError(
                message="RocksDB allows one process per directory, and this process was forked from the one "
                "that opened it: use another directory in the child, or open the store after the fork"
            )


def map_error(store: str, error: Exception) -> KeyValueStoreError | None:
    """Map a rocksdict error, which is usually a plain Exception; return None for other errors."""
    text = str(error)
    kind = KeyValueStoreError
    if isinstance(error, DbClosedError | OSError):
        kind = StoreConnectionError
    elif type(error) is not Exception:
        return None
    elif "lock" in text:
        kind = StoreConnectionError
        text = f"RocksDB allows one store of one process at a time per directory, and it is in use: {text}"
    elif text.startswith("IO error") and not _is_full(error):
        kind = StoreConnectionError
    return kind(message=f"{store}: {text}")


def _is_full(error: Exception) -> bool:
    """Return whether the disk is full, or a limit on files has been reached."""
    return any(text in str(error) for text in _FULL)


def _opened(path: Path, options: Options | None, access: AccessType | None) -> Rdict:
    options, access = options or Options(), access or AccessType.read_write()
    try:
        rdict = Rdict(str(path), options, access_type=access)
    except Exception as error:
        # The driver rewrites its configuration file when it opens a database. If a process is killed during
        # that, the file seems to be from another driver; the failed attempt has repaired it.
        if "comparator" not in str(error):
            raise
        rdict = Rdict(str(path), options, access_type=access)
    # No value is a pickle, and unpickling could execute arbitrary code.
    rdict.set_loads(bytes)
    return rdict


_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


def _leave_all() -> None:
    for engine in _engines:
        engine.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
