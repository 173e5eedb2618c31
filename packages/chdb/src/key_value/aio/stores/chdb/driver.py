"""chDB's driver, which is loaded on first use, and its exceptions."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError as error:
    raise ImportError("ChDBStore is not available on Windows, which chDB does not support") from error

if find_spec("chdb") is None:
    raise ImportError("ChDBStore needs chdb: pip install 'py-key-value-aio[chdb]'")


class Result(Protocol):
    """The result of a query."""

    def bytes(self) -> "bytes":
        """Return the result in the format that the query requested."""
        ...


class Session(Protocol):
    """The subset of chDB's `Session` that the store uses."""

    def query(self, sql: str, fmt: str = "CSV") -> Result:
        """Run a statement."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


def open_session(path: str) -> Session:
    """Open a session; the first one loads the driver, which takes a second or more.

    Raises:
        StoreConnectionError: Another process uses the path.
    """
    connect = import_module("chdb.session").Session
    try:
        return cast("Session", connect(path))
    except RuntimeError as error:
        # chDB writes the reason to standard error only.
        if not _is_locked(Path(path) / "status"):
            raise
        message = f"chDB allows one process at a time per path, and another process uses {path}"
        raise StoreConnectionError(message=message) from error


def map_error(store: str, error: Exception) -> KeyValueStoreError | None:
    """Map a chDB exception, all of which have the same class; return None for other errors."""
    text = str(error)
    if not isinstance(error, RuntimeError) or "DB::Exception" not in text:
        return None
    if "already initialized with path" in text:
        reason = (
            "chDB allows one path at a time per process; another one is in use until all sessions are closed"
        )
        return StoreConnectionError(message=f"{store}: {reason}: {text}")
    kind = StoreConnectionError if "Failed to create connection" in text else KeyValueStoreError
    return kind(message=f"{store}: {text}")


def _is_locked(status: Path) -> bool:
    """Return whether another process holds the lock that chDB takes on a path in use."""
    if not status.exists():
        return False
    with status.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError:
            return True
    return False
