"""aiomcache: its connections, each for one call at a time, and what memcached answers over them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Protocol, cast

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreUnreachableError,
)

try:
    from aiomcache import Client
    from aiomcache.exceptions import ClientException
except ImportError as error:
    raise ImportError("MemcachedStore needs aiomcache: pip install 'py-key-value-aio[memcached]'") from error

__all__ = ["ERRORS", "Client", "Connections", "ForeignItemError", "open_client"]

DEFAULT_ITEM_SIZE = 1024 * 1024
"""Bytes of the largest item, unless the server says otherwise: https://docs.memcached.org/serverguide/"""

ITEM_OVERHEAD = 59
"""Bytes of an item besides its key and value."""

_TOO_MANY = b"Too many open connections"


class ForeignItemError(Exception):
    """An item has flags, which no store gives it."""


class RefusedError(Exception):
    """Memcached answers with an error."""


class UnauthenticatedError(Exception):
    """Memcached wants a password, which aiomcache cannot send."""


class BusyError(Exception):
    """Memcached takes no more connections."""


ERRORS = (
    (ConnectionRefusedError, StoreUnreachableError),
    ((BusyError, OSError, EOFError), StoreConnectionError),
    (UnauthenticatedError, StoreAuthenticationError),
    ((RefusedError, ClientException), KeyValueStoreError),
)


class Connection(Protocol):
    """One of aiomcache's connections."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Pool(Protocol):
    async def acquire(self) -> Connection: ...

    def release(self, conn: Connection) -> None: ...


class _Internals(Protocol):
    """What aiomcache's own commands are made of."""

    _pool: _Pool

    async def _multi_get(
        self, conn: Connection, *keys: bytes, with_cas: bool
    ) -> tuple[dict[bytes, bytes], dict[bytes, int]]: ...


class Connections:
    """The connections of a client, of which a call has one for itself until it has its whole answer.

    aiomcache gives a connection back in the middle of an answer when a call is cancelled, and the next call
    reads the rest of it: https://github.com/aio-libs/aiomcache/issues/489. It waits for ever for the line of
    a connection that has ended, and for a connection that another call has closed.
    """

    def __init__(self, client: Client) -> None:
        """Use a client of the running event loop."""
        self.client = client
        self._internals = cast("_Internals", client)
        self._pool: _Pool = cast("Any", client)._pool
        self._free = asyncio.Semaphore(cast("Any", client)._pool._maxsize)

    async def get(self, keys: Sequence[bytes]) -> tuple[Mapping[bytes, bytes], Mapping[bytes, int]]:
        """Return the values of keys, of which none is given twice, and their numbers for `cas`.

        Raises:
            ForeignItemError: One of them has flags.
        """
        async with self._connection() as connection:
            try:
                return await cast("Any", self._internals)._multi_get(connection, *keys, with_cas=True)
            except ClientException as error:
                text = str(error)
                if text.endswith("b''"):
                    raise ConnectionResetError("the connection has ended") from error
                if "flags" in text:
                    raise ForeignItemError(text) from error
                raise _refusal(text) from error

    async def send(self, commands: Sequence[bytes]) -> list[bytes]:
        """Send commands together, and return the line that answers each."""
        async with self._connection() as connection:
            connection.writer.write(b"".join(commands))
            await connection.writer.drain()
            return [await _line(connection) for _ in commands]

    async def item_size(self) -> int:
        """Return how many bytes an item may have; a proxy does not tell, and may end the connection."""
        try:
            async with self._connection() as connection:
                size = (await _settings(connection)).get(b"item_size_max", b"")
        except ConnectionResetError:
            return DEFAULT_ITEM_SIZE
        return int(size) if size.isdigit() else DEFAULT_ITEM_SIZE

    async def _acquire(self) -> Connection:
        """Return a connection of the pool, which itself would wait for one that may never come back."""
        pool = cast("Any", self._pool)
        while not pool._pool.empty():
            connection = pool._pool.get_nowait()
            if not connection.reader.at_eof() and connection.reader.exception() is None:
                break
            pool._do_close(connection)
        else:
            made = await pool._create_new_conn()
            if made is None:  # Others use the client too.
                return await pool.acquire()
            connection = made
        pool._in_use.add(connection)
        return connection

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        async with self._free:
            connection = await self._acquire()
            try:
                yield connection
            except BaseException:
                # What is left of the answer would be read as the answer to the next call.
                connection.writer.transport.abort()
                connection.reader.set_exception(ConnectionResetError("abandoned"))
                raise
            finally:
                self._pool.release(connection)


@asynccontextmanager
async def open_client(host: str, port: int, pool_size: int, tls: SSLContext | None) -> AsyncGenerator[Client]:
    """Open a client, whose connections are made as they are needed."""
    options = {} if tls is None else {"ssl": tls}
    client = Client(host, port, pool_size=pool_size, pool_minsize=1, conn_args=options)
    try:
        yield client
    finally:
        await client.close()


async def _settings(connection: Connection) -> dict[bytes, bytes]:
    """Return the settings of a server, none where they are not told."""
    settings: dict[bytes, bytes] = {}
    connection.writer.write(b"stats settings\r\n")
    await connection.writer.drain()
    while (line := await _line(connection)) != b"END":
        if line.startswith(b"CLIENT_ERROR"):
            raise _refusal(line.decode(errors="replace"))
        if not line.startswith(b"STAT "):
            break
        _, name, value = line.split(b" ", 2)
        settings[name] = value
    return settings


async def _line(connection: Connection) -> bytes:
    line = await connection.reader.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("the connection has ended")
    if _TOO_MANY in line:
        raise BusyError(line.decode().strip())
    return line[:-2]


def _refusal(text: str) -> Exception:
    if "unauthenticated" in text:
        return UnauthenticatedError(text)
    return BusyError(text) if _TOO_MANY.decode() in text else RefusedError(text)
