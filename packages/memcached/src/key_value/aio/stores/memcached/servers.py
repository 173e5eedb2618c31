"""The servers that share the entries of a store, and the connections to them."""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreUnreachableError,
)
from key_value.aio.stores.memcached.protocol import (
    Answer,
    BusyError,
    Connection,
    Items,
    Lines,
    RefusedError,
    UnauthenticatedError,
    refusal,
)

if TYPE_CHECKING:
    from aiomcache import Client

T = TypeVar("T")

DEFAULT_ITEM_SIZE = 1024 * 1024
"""Maximum item size in bytes, unless the server reports one: https://docs.memcached.org/serverguide/"""

ERRORS = (
    (ConnectionRefusedError, StoreUnreachableError),
    ((BusyError, OSError), StoreConnectionError),
    (UnauthenticatedError, StoreAuthenticationError),
    (RefusedError, KeyValueStoreError),
)


class Server(NamedTuple):
    """A server and the options for connecting to it."""

    host: str
    port: int
    options: Mapping[str, Any]
    """Options of asyncio's `create_connection`, such as `ssl`."""
    credentials: tuple[str, str] | None = None

    @override
    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


def server_of(client: "Client") -> Server:
    """Return the server of an aiomcache client."""
    pool = cast("Any", client)._pool
    options = {name: option for name, option in pool.conn_args.items() if name != "limit"}
    return Server(pool._host, pool._port, options)


class Link:
    """A connection to a server, opened on demand and reopened after it has ended."""

    def __init__(self, server: Server, timeout: float | None) -> None:
        """Initialize without connecting."""
        self._server = server
        self._timeout = timeout
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def connect(self) -> Connection:
        """Return the connection; callers get it in the order of their calls."""
        connection = self._connection
        if connection is not None and not connection.has_ended and not self._waiting:
            return connection
        self._waiting += 1
        loop, connecting = asyncio.get_running_loop(), self._connect()
        try:
            return await asyncio.wait_for(connecting, self._timeout)
        except asyncio.TimeoutError as error:  # On Python 3.10 this is not the built-in TimeoutError.
            raise TimeoutError(f"{self._server!r} did not accept a connection in time") from error
        finally:
            self._waiting -= 1
            if loop.is_closed():
                connecting.close()  # It will never run again, and may not have started.

    async def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> Connection:
        async with self._lock:
            if self._connection is None or self._connection.has_ended:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> Connection:
        host, port, options, credentials = self._server
        connection = Connection(self._timeout)
        await asyncio.get_running_loop().create_connection(lambda: connection, host, port, **options)
        if credentials is not None:
            try:
                await _authenticate(connection, *credentials)
            except BaseException:
                await connection.close()
                raise
        return connection


class Servers(AbstractAsyncContextManager["Servers"]):
    """The servers of a store; each holds the entries whose addresses hash to it.

    If a server is added or removed, only its entries change places (rendezvous hashing).
    """

    def __init__(self, servers: Sequence[Server], pool_size: int, timeout: float | None) -> None:
        """Initialize without connecting.

        Args:
            servers: The servers.
            pool_size: Number of connections per server; all calls for an entry use the same one.
            timeout: Maximum time to connect, and to wait for a response, in seconds.
        """
        self._links = {
            f"{server!r} ".encode(): [Link(server, timeout) for _ in range(pool_size)] for server in servers
        }
        links = [*chain(*self._links.values())]
        self._only_link = links[0] if len(links) == 1 else None

    @override
    async def __aexit__(self, *_: object) -> None:
        for link in chain(*self._links.values()):
            await link.close()

    def link(self, address: bytes) -> Link:
        """Return the link that all calls for an entry use."""
        if self._only_link is not None:
            return self._only_link
        server = max(self._links, key=lambda name: blake2b(name + address, digest_size=8).digest())
        return self._links[server][zlib.crc32(address) % len(self._links[server])]

    async def call(
        self,
        addresses: Sequence[bytes],
        send: Callable[[Connection, Sequence[int]], Answer[T]],
        *,
        writes: bool = False,
    ) -> list[T | Exception]:
        """Send the commands for several entries, grouped by connection, and return one result per entry.

        Args:
            addresses: Addresses of the entries.
            send: Sends the commands for the entries with the given indexes.
            writes: Whether a cancelled caller waits for the responses.

        Raises:
            Exception: All entries are on one server, and the call has failed.
        """
        parts: dict[Link, list[int]] = {}
        for index, address in enumerate(addresses):
            parts.setdefault(self.link(address), []).append(index)
        sent = [await _attempt(link, part, send) for link, part in parts.items()]
        outcomes = [await _outcome(answer, writes=writes) for answer in sent]
        results: list[Any] = [None] * len(addresses)
        for part, outcome in zip(parts.values(), outcomes, strict=True):
            if isinstance(outcome, asyncio.CancelledError) or (
                isinstance(outcome, Exception) and len(sent) == 1
            ):
                raise outcome
            found = [outcome] * len(part) if isinstance(outcome, Exception) else outcome
            for index, result in zip(part, found, strict=True):
                results[index] = result
        return results

    async def item_size(self) -> int:
        """Return the maximum item size on all servers, in bytes; some of several servers may be down."""
        sizes: list[int] = []
        failure: Exception | None = None
        for links in self._links.values():
            try:
                sizes.append(await _item_size(links[0]))
            except (BusyError, OSError) as error:
                failure = error
        if failure is not None and not sizes:
            raise failure
        return min(sizes)


async def _attempt(
    link: Link, part: Sequence[int], send: Callable[[Connection, Sequence[int]], Answer[T]]
) -> Answer[T] | Exception:
    try:
        return send(await link.connect(), part)
    except Exception as error:  # noqa: BLE001 -- becomes the result of this group
        return error


async def _outcome(
    answer: Answer[T] | Exception, *, writes: bool
) -> Sequence[T] | Exception | asyncio.CancelledError:
    """Return the outcome of a group; a cancellation is raised once all writes have a response."""
    if isinstance(answer, Exception):
        return answer
    try:
        return await (answer.settled() if writes else answer.get())
    except asyncio.CancelledError as cancelled:
        if not writes:
            raise
        return cancelled
    except Exception as error:  # noqa: BLE001 -- becomes the result of this group
        return error


async def _item_size(link: Link) -> int:
    """Return the maximum item size in bytes; a proxy does not report it and may close the connection."""
    name = b"item_size_max"
    connection = await link.connect()
    try:
        [size] = await connection.send(b"stats settings\r\n", Items([name])).get()
    except (ConnectionResetError, RefusedError):
        return DEFAULT_ITEM_SIZE
    return int(size.data) if size is not None and size.data.isdigit() else DEFAULT_ITEM_SIZE


async def _authenticate(connection: Connection, username: str, password: str) -> None:
    """Send a username and a password if the server requires them; others would store them as an item."""
    [line] = await connection.send(b"version\r\n", Lines(1)).get()
    if not isinstance(refusal(line), UnauthenticatedError):
        return
    text = f"{username} {password}".encode()
    [line] = await connection.send(b"set auth 0 0 %d\r\n%s\r\n" % (len(text), text), Lines(1)).get()
    if line != b"STORED":
        raise UnauthenticatedError(line.decode(errors="replace"))
