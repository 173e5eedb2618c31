"""The parts of asyncpg that the store uses: how pools are opened, and the exceptions."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

try:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- it has neither stubs nor py.typed
    from asyncpg import exceptions as pg  # pyright: ignore[reportMissingTypeStubs] -- as above
except ImportError as error:
    raise ImportError("PostgreSQLStore needs asyncpg: pip install 'py-key-value-aio[postgresql]'") from error

__all__ = [
    "ALREADY_THERE",
    "ENDED",
    "ERRORS",
    "GIVES_UP",
    "MISSING",
    "ROLLED_BACK",
    "UNENCODABLE",
    "UNPREPARED",
    "OneConnection",
    "ReadOnlyError",
    "Source",
    "hide_details",
    "location_of",
    "open_pool",
]

ReadOnlyError = pg.ReadOnlySQLTransactionError

MISSING = (pg.UndefinedTableError, pg.UndefinedColumnError)

ROLLED_BACK = (pg.SerializationError, pg.DeadlockDetectedError)
"""PostgreSQL has rolled back the statement, so it may be repeated even if it writes conditionally."""

ALREADY_THERE = (pg.UniqueViolationError, pg.DuplicateTableError, pg.DuplicateObjectError)
"""Another process has created the table at the same moment, without the lock that this store takes."""

UNENCODABLE = (
    pg.DataError,  # raised by asyncpg itself
    pg.CharacterNotInRepertoireError,
    pg.InvalidTextRepresentationError,
    pg.ProgramLimitExceededError,
    pg.UntranslatableCharacterError,
)
"""The value, or a name in a database that is not encoded in UTF-8, cannot be stored."""

UNPREPARED = (pg.InvalidSQLStatementNameError, pg.DuplicatePreparedStatementError)
"""A pooler has sent a statement to a connection that has not prepared it."""

ERRORS = (
    # On Python 3.10, asyncio.TimeoutError is not the built-in TimeoutError.
    (
        (TimeoutError, asyncio.TimeoutError, pg.QueryCanceledError, pg.LockNotAvailableError),
        StoreTimeoutError,
    ),
    # Raised only by an attempt to connect.
    (
        (
            ConnectionRefusedError,
            socket.gaierror,
            pg.CannotConnectNowError,
            pg.TooManyConnectionsError,
            pg.TargetServerAttributeNotMatched,
        ),
        StoreUnreachableError,
    ),
    # By SQLSTATE: asyncpg counts only class 08 as connection errors. A demoted server is read-only.
    (
        (
            pg.PostgresConnectionError,
            pg.AdminShutdownError,
            pg.CrashShutdownError,
            pg.IdleSessionTimeoutError,
            pg.InternalClientError,  # Raised, for example, by a connection that is about to end.
            ReadOnlyError,
        ),
        StoreConnectionError,
    ),
    (
        (pg.InvalidAuthorizationSpecificationError, pg.InsufficientPrivilegeError),
        StoreAuthenticationError,
    ),
    (pg.ClientConfigurationError, KeyValueStoreError),
    ((OSError, pg.InterfaceError), StoreConnectionError),
    (pg.PostgresError, KeyValueStoreError),
)

ENDED = (pg.PostgresConnectionError, pg.AdminShutdownError, pg.CrashShutdownError, pg.InternalClientError)
"""The connection has ended, and other connections that were idle since may have ended, too."""

_QUOTING = ("22", "23")
"""SQLSTATE classes whose error details quote a value or a row."""

GIVES_UP = 0.8
"""Fraction of a call's timeout after which a statement is cancelled; the rest is for the confirmation."""

_HOSTS = re.compile(r"(?:\[[^\]]*\]|[^:\[\],]*)(?::\d*)?(?:,(?:\[[^\]]*\]|[^:\[\],]*)(?::\d*)?)*")


class Connection(Protocol):
    """The subset of asyncpg's partly typed connections that the store uses."""

    async def fetch(self, query: str, *args: Any, timeout: float | None) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""
        ...

    async def execute(self, query: str, *, timeout: float | None) -> str:
        """Run several statements in one transaction."""
        ...


class Source(Protocol):
    """A source of connections: an asyncpg pool, or a single connection."""

    async def acquire(self) -> Connection:
        """Return a free connection for exclusive use by the caller."""
        ...

    async def release(self, connection: Connection, *, timeout: float | None) -> None:
        """Return a connection to its source, once it has stopped any cancelled statement."""
        ...

    async def expire_connections(self) -> None:
        """Replace each connection before its next use."""
        ...


class OneConnection:
    """A connection owned by the caller, used by one call at a time and never closed."""

    def __init__(self, connection: object) -> None:
        """Initialize with a connection."""
        self._connection = cast("Connection", connection)
        self._lock = asyncio.Lock()

    async def acquire(self) -> Connection:
        """Return the connection once it is free."""
        await self._lock.acquire()
        return self._connection

    async def release(self, connection: Connection, *, timeout: float | None) -> None:  # noqa: ARG002 -- as a pool
        """Hand the connection to the next call; the connection itself waits for cancelled statements."""
        self._lock.release()

    async def expire_connections(self) -> None:
        """Do nothing: the caller owns the connection."""


class _Pool(Source, Protocol):
    async def close(self) -> None: ...

    def terminate(self) -> None: ...


@asynccontextmanager
async def open_pool(options: dict[str, Any], timeout: float | None) -> AsyncGenerator[Source]:
    """Open a pool whose connections are created on demand.

    Args:
        options: Arguments of asyncpg's `create_pool`.
        timeout: Timeout of a connection attempt, and of running calls when the pool is closed, in seconds.
    """
    create_pool = cast("Callable[..., Awaitable[_Pool]]", asyncpg.create_pool)
    # The store does not change session state, so there is nothing to reset after a call.
    pool = await create_pool(**options, timeout=timeout, reset=_leave_as_it_is)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), timeout)
        except (OSError, asyncio.TimeoutError, pg.PostgresError, pg.InterfaceError):
            pool.terminate()


async def _leave_as_it_is(_: object) -> None:
    return None


def hide_details(error: Exception) -> None:
    """Remove details that quote an entry from a PostgreSQL error, because logs show them with its cause."""
    told: Any = error
    if isinstance(error, pg.PostgresError) and told.sqlstate[:2] in _QUOTING:
        told.detail = None


def location_of(url: str) -> str:
    """Return a URL without its user name, password and options.

    Raises:
        ValueError: The URL is not a PostgreSQL URL. The message contains no part of it, because a password
            with an unescaped `/` or `@` may be anywhere in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    hosts = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("postgresql", "postgres") or not _HOSTS.fullmatch(hosts):
        raise ValueError(
            "url must be postgresql://user:password@host:port/database, with special characters in "
            "the user name and the password percent-encoded"
        )
    return f"{parts.scheme}://{hosts}{parts.path}"
