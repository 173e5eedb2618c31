"""asyncpg: the part of it that is used here, how its pools are opened, and its exceptions."""

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
"""PostgreSQL has undone the statement, which may be repeated, on whatever condition it writes."""

ALREADY_THERE = (pg.UniqueViolationError, pg.DuplicateTableError, pg.DuplicateObjectError)
"""Another process has created the table in the same moment, without the lock that is taken here."""

UNENCODABLE = (
    pg.DataError,  # asyncpg's own
    pg.CharacterNotInRepertoireError,
    pg.InvalidTextRepresentationError,
    pg.ProgramLimitExceededError,
    pg.UntranslatableCharacterError,
)
"""A value, or in a database that is not in UTF-8 a name, cannot be held."""

UNPREPARED = (pg.InvalidSQLStatementNameError, pg.DuplicatePreparedStatementError)
"""A pooler has given a statement to a connection that has not prepared it."""

ERRORS = (
    # In Python 3.10 asyncio's TimeoutError is not the builtin one.
    (
        (TimeoutError, asyncio.TimeoutError, pg.QueryCanceledError, pg.LockNotAvailableError),
        StoreTimeoutError,
    ),
    # These are raised by an attempt to connect only.
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
    # By SQLSTATE: asyncpg counts only class 08 as connection errors. A server that was demoted is read-only.
    (
        (
            pg.PostgresConnectionError,
            pg.AdminShutdownError,
            pg.CrashShutdownError,
            pg.IdleSessionTimeoutError,
            pg.InternalClientError,  # What a connection answers that is about to end, for one.
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
"""A connection has ended, and so may have others that no call has used since."""

_QUOTING = ("22", "23")
"""Classes of SQLSTATE whose errors quote a value or a row in their details."""

GIVES_UP = 0.8
"""The part of a call's time after which a statement is cancelled; PostgreSQL confirms that in the rest."""

_HOSTS = re.compile(r"(?:\[[^\]]*\]|[^:\[\],]*)(?::\d*)?(?:,(?:\[[^\]]*\]|[^:\[\],]*)(?::\d*)?)*")


class Connection(Protocol):
    """As much of asyncpg's connections, which are typed in part only, as a store needs."""

    async def fetch(self, query: str, *args: Any, timeout: float | None) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""
        ...

    async def execute(self, query: str, *, timeout: float | None) -> str:
        """Run several statements in one transaction."""
        ...


class Source(Protocol):
    """Where connections come from: a pool of asyncpg's, or one connection."""

    async def acquire(self) -> Connection:
        """Return a connection that is free, for the caller alone."""
        ...

    async def release(self, connection: Connection, *, timeout: float | None) -> None:
        """Give a connection back, once it has stopped what was cancelled."""
        ...

    async def expire_connections(self) -> None:
        """Replace each connection before its next use."""
        ...


class OneConnection:
    """A caller's own connection, for one call at a time; it is never closed."""

    def __init__(self, connection: object) -> None:
        """Use a connection."""
        self._connection = cast("Connection", connection)
        self._lock = asyncio.Lock()

    async def acquire(self) -> Connection:
        """Return the connection once it is free."""
        await self._lock.acquire()
        return self._connection

    async def release(self, connection: Connection, *, timeout: float | None) -> None:  # noqa: ARG002 -- as a pool
        """Let the next call have the connection, which waits itself for what was cancelled."""
        self._lock.release()

    async def expire_connections(self) -> None:
        """Leave the connection as it is: it is the caller's."""


class _Pool(Source, Protocol):
    async def close(self) -> None: ...

    def terminate(self) -> None: ...


@asynccontextmanager
async def open_pool(options: dict[str, Any], timeout: float | None) -> AsyncGenerator[Source]:
    """Open a pool of connections, none of which is made before it is needed.

    Args:
        options: The arguments of asyncpg's `create_pool`.
        timeout: Seconds for an attempt to connect, and for calls to end when the pool is closed.
    """
    create_pool = cast("Callable[..., Awaitable[_Pool]]", asyncpg.create_pool)
    # A store changes nothing of a session, so there is nothing to reset after each call.
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
    """Remove what an error of PostgreSQL's quotes of an entry, which a log would show with its cause."""
    told: Any = error
    if isinstance(error, pg.PostgresError) and told.sqlstate[:2] in _QUOTING:
        told.detail = None


def location_of(url: str) -> str:
    """Return a URL without its user, password and options.

    Raises:
        ValueError: It is no URL of PostgreSQL. The message has nothing of it, since a password with a `/` or
            an `@` in it may be anywhere.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    hosts = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("postgresql", "postgres") or not _HOSTS.fullmatch(hosts):
        raise ValueError(
            "url must be postgresql://user:password@host:port/database, with percent codes for what is "
            "special in a user or password"
        )
    return f"{parts.scheme}://{hosts}{parts.path}"
