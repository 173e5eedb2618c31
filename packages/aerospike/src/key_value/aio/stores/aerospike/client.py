"""A client shared by all threads of a process, and the meaning of its errors."""

import ctypes
import os
import threading
from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakSet

import aerospike
from aerospike import exception

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

NO_RESPONSE = -15

BUSY = frozenset({14, 18})
"""Codes of a server that did nothing, but may succeed next time: too many calls wait for one record, or for
the device.
"""

_LOST = frozenset({7, -10, -12, NO_RESPONSE})
"""Codes of a connection that failed or has ended; the exception states whether the outcome is in doubt."""

_UNREACHABLE = (StoreUnreachableError, "cannot be reached")

_MEANINGS: Mapping[int, tuple[type[KeyValueStoreError], str]] = {
    9: (StoreTimeoutError, "did not respond in time"),
    **dict.fromkeys(BUSY, (StoreUnreachableError, "is overloaded and rejected the call")),
    **dict.fromkeys((11, -7, -8, -14), _UNREACHABLE),
    13: (KeyValueStoreError, "rejects the entry: it is larger than max-record-size allows"),
    20: (KeyValueStoreError, "has no such namespace: namespaces are defined in the server's configuration"),
    22: (KeyValueStoreError, "forbids the call, for example a TTL in a namespace whose nsup-period is 0"),
    **dict.fromkeys(
        range(51, 83), (StoreAuthenticationError, "rejects the user, or its roles forbid the call")
    ),
}


class RecordError(Exception):
    """A call failed for one record of a batch."""

    def __init__(self, code: int, in_doubt: bool) -> None:
        super().__init__(f"result code {code}")
        self.code = code
        self.in_doubt = in_doubt


class SharedClient:
    """A client that is opened by the first thread that needs it, and closed with the last.

    It is a connection pool with a background thread, which does not exist in a forked child. Therefore
    another client is opened there.
    """

    def __init__(self, given: Any, config: Mapping[str, Any]) -> None:
        """Initialize without sending anything.

        Args:
            given: Client of the caller, which is not closed; None opens one.
            config: Configuration of the client to open.
        """
        self._given = given
        self._config = config
        self._lock = threading.Lock()
        self._client: Any = None
        self._users = 0
        _clients.add(self)

    def open(self) -> Any:
        """Return the connected client."""
        with self._lock:
            if self._given is not None:
                if not self._given.is_connected():
                    self._given.connect()
                return self._given
            if self._client is None:
                self._client = cast("Any", aerospike).client(dict(self._config)).connect()
            self._users += 1
            return self._client

    def close(self) -> None:
        """Close the client, if no other thread uses it."""
        with self._lock:
            self._users -= 1
            if self._client is not None and not self._users:
                client, self._client = self._client, None
                client.close()

    def abandon(self) -> None:
        """Drop the client in a forked child without ever closing it, because closing it there crashes."""
        if self._client is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._client))
            self._client, self._users = None, 0


_clients: "WeakSet[SharedClient]" = WeakSet()


def _abandon_all() -> None:
    for client in list(_clients):
        client.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


def is_busy(result: object) -> bool:
    """Return whether a result is an error of an overloaded server, which may succeed next time."""
    return isinstance(result, exception.AerospikeError | RecordError) and result.code in BUSY


def mapped_error(error: Exception) -> BaseKeyValueError | None:
    """Map a client exception to a store error; return None for other errors."""
    if not isinstance(error, exception.AerospikeError | RecordError):
        return None
    code = error.code or 0
    error_type, meaning = _MEANINGS.get(code, (KeyValueStoreError, "rejected the call"))
    if code in _LOST:
        lost = (StoreConnectionError, "closed the connection")
        error_type, meaning = lost if error.in_doubt else _UNREACHABLE
    return error_type(message=f"Aerospike {meaning}: {getattr(error, 'msg', None) or error}")
