"""A store in memcached."""

import math
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext

from typing_extensions import override

from key_value.aio.errors import DeserializationError, ValueTooLargeError
from key_value.aio.stores.base import BatchLimit, ClientPerLoop, SanitizationStrategy, VersionedBytesStore
from key_value.aio.stores.memcached.connections import (
    ERRORS,
    ITEM_OVERHEAD,
    Client,
    Connections,
    ForeignItemError,
    RefusedError,
    open_client,
)
from key_value.aio.stores.memcached.names import MemcachedNames

RELATIVE = 2_592_000
"""Seconds up to which a time is relative; beyond it is one since 1970."""

LATEST = 2**31 - 1
"""The last second since 1970 that memcached knows; from there on an item is gone at once."""

GONE = RELATIVE + 1
"""A time in 1970: what is stored with it is gone at once."""


class MemcachedStore(VersionedBytesStore):
    """A store in one memcached server, which drops what has expired, and more when its memory is full.

    An entry is at `<collection>::<key>`; white space and control characters are percent-encoded, and what is
    longer than 250 bytes is hashed. Memcached cannot list keys, so nothing here lists or destroys a
    collection, and `flush_all` would remove what others have stored: `destroy` is not there either.

    Memcached counts whole seconds, so it keeps an entry longer; the document decides when it has expired.
    """

    errors = ERRORS
    reconnects = True
    gathers_reads = True
    batch_limit = BatchLimit(items=1000, size=8_000_000)
    url_parts = (("host", "host"), ("port", "port"))

    def __init__(
        self,
        *,
        client: Client | None = None,
        host: str = "127.0.0.1",
        port: int = 11211,
        ssl: SSLContext | None = None,
        pool_size: int = 2,
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        timeout: float | None = 5.0,
    ) -> None:
        """Use a client, or create one for a host; nothing is sent before the store is used.

        Args:
            client: A client of aiomcache, for the event loop that it belongs to; the store does not close it.
            host: The host, without a client.
            port: The port, without a client.
            ssl: A context, for a server with TLS.
            pool_size: Connections that are open at a time.
            default_collection: The collection used when a call names none.
            key_sanitization_strategy: What becomes of `<collection>::<key>`, in place of the above.
            timeout: Seconds that a call to the server may take; None sets no bound.

        Raises:
            ValueError: `pool_size` is below 1, or `timeout` is not positive.
        """
        if pool_size < 1:
            raise ValueError(f"pool_size must be 1 or more, not {pool_size}")
        super().__init__(default_collection=default_collection, timeout=timeout)
        self.names = MemcachedNames(key_sanitization_strategy)
        self._given = client
        self._server = host, port, pool_size, ssl
        if client is None:
            self.location = f"{host}:{port}"
        self._connections = self._owns(ClientPerLoop[Connections](None, self._open))
        self._item_size = 0

    @property
    def client(self) -> Client:
        """The client that was passed in, or the one of the running event loop, which the store has opened.

        Raises:
            StoreClosedError: The store is not set up in this event loop, or closed.
        """
        return self._given or self._connections.current().client

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Connections]:
        if self._given is not None:
            yield Connections(self._given)
            return
        async with open_client(*self._server) as client:
            yield Connections(client)

    @override
    async def _setup(self) -> None:
        connections = await self._connections.get()
        self._item_size = await self._fetch(connections.item_size)

    @override
    async def _read(self, address: str) -> bytes | None:
        key = address.encode()
        found, _ = await self._get([key])
        return found.get(key)

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        keys = [address.encode() for address in addresses]
        try:
            found, _ = await self._get(keys)
        except DeserializationError:
            # One item is another client's, and the rest of the answer is lost.
            return await self._each(self._read, addresses)
        return [found.get(key) for key in keys]

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        [failure] = await self._write_many([(address, data)], ttl)
        if failure is not None:
            raise failure

    @override
    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        failures = [self._refusal(*item) for item in items]
        fitting = [item for item, failure in zip(items, failures, strict=True) if failure is None]
        commands = [_storage(b"set", address, data, _exptime(ttl)) for address, data in fitting]
        answers = iter(await self._send(commands))
        return [failure or _unless(b"STORED", next(answers)) for failure in failures]

    @override
    async def _remove(self, address: str) -> None:
        await self._remove_many([address])

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        answers = await self._send([b"delete %s\r\n" % address.encode() for address in addresses])
        return [None if answer == b"NOT_FOUND" else _unless(b"DELETED", answer) for answer in answers]

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        found = await self._read_many(addresses)
        await self._remove_many(addresses)
        return [b"" if isinstance(data, DeserializationError) else data for data in found]

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        refusal = self._refusal(address, data)
        if refusal is not None:
            raise refusal
        if version is None:
            return await self._is_done(_storage(b"add", address, data, _exptime(ttl)))
        token = await self._token(address, version)
        return token is not None and await self._is_done(
            _storage(b"cas", address, data, _exptime(ttl), token)
        )

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        token = await self._token(address, version)
        return token is not None and await self._is_done(_storage(b"cas", address, b"", GONE, token))

    async def _token(self, address: str, version: str) -> int | None:
        """Return the number for `cas` of an item that has a version; a server counts anew when it starts."""
        key = address.encode()
        found, tokens = await self._get([key])
        return tokens[key] if key in found and self.version_of(found[key]) == version else None

    async def _get(self, keys: Sequence[bytes]) -> tuple[Mapping[bytes, bytes], Mapping[bytes, int]]:
        try:
            return await (await self._connections.get()).get(keys)
        except ForeignItemError as error:
            raise DeserializationError(message=f"The item is not a document: {error}") from error

    async def _send(self, commands: Sequence[bytes]) -> Sequence[bytes]:
        return await (await self._connections.get()).send(commands) if commands else []

    async def _is_done(self, command: bytes) -> bool:
        [answer] = await self._send([command])
        if answer in (b"NOT_STORED", b"EXISTS", b"NOT_FOUND"):
            return False
        failure = _unless(b"STORED", answer)
        if failure is not None:
            raise failure
        return True

    def _refusal(self, address: str, data: bytes) -> Exception | None:
        """Return the error for a value that memcached would refuse, after it has dropped the old one."""
        size = len(data) + len(address.encode()) + ITEM_OVERHEAD
        if size <= self._item_size:
            return None
        return ValueTooLargeError(size=size, max_size=self._item_size)


def _storage(command: bytes, address: str, data: bytes, exptime: int, token: int | None = None) -> bytes:
    number = b"" if token is None else b" %d" % token
    return b"%s %s 0 %d %d%s\r\n%s\r\n" % (command, address.encode(), exptime, len(data), number, data)


def _unless(expected: bytes, answer: bytes) -> Exception | None:
    return None if answer == expected else RefusedError(answer.decode(errors="replace"))


def _exptime(ttl: float | None) -> int:
    """Return when memcached may drop an item: its clock ticks once a second, so never too early."""
    if ttl is None:
        return 0
    seconds = math.ceil(ttl) + 1
    return seconds if seconds <= RELATIVE else min(math.ceil(time.time() + ttl) + 1, LATEST)
