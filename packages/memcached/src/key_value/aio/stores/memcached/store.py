"""A store in memcached."""

import math
import time
from collections.abc import Sequence
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from typing_extensions import override

from key_value.aio.errors import DeserializationError, ValueTooLargeError
from key_value.aio.stores.base import (
    BatchLimit,
    ClientPerLoop,
    ManagedEntry,
    SanitizationStrategy,
    VersionedBytesStore,
    VersionedStore,
)
from key_value.aio.stores.memcached.names import MemcachedNames
from key_value.aio.stores.memcached.protocol import (
    Answer,
    Connection,
    Item,
    Items,
    Lines,
    TakenItems,
    refusal,
)
from key_value.aio.stores.memcached.servers import ERRORS, Server, Servers, server_of

if TYPE_CHECKING:
    from aiomcache import Client

T = TypeVar("T")

PORT = 11211

ITEM_OVERHEAD = 59
"""Bytes that an item takes in addition to its key and value."""

RELATIVE = 2_592_000
"""Seconds up to which an expiry time is relative; a larger number is a Unix time."""

LATEST = 2**31 - 1
"""The last Unix time that memcached supports; an item that expires later is dropped at once."""

GONE = RELATIVE + 1
"""A time in 1970; an item stored with it is dropped at once."""


class MemcachedStore(VersionedBytesStore):
    """A store in memcached, which drops expired entries, and others when its memory is full.

    Entries are stored at `<collection>::<key>`. White space and control characters are percent-encoded, and
    addresses longer than 250 bytes are hashed. Memcached cannot list keys, so the store cannot list or
    destroy collections. There is no `destroy` either: `flush_all` would remove the data of other
    applications.

    Memcached counts whole seconds, so it keeps an entry longer; the document determines when it expires.
    """

    errors = ERRORS
    reconnects = True
    writes_in_order = True
    bounds_calls = True
    batch_limit = BatchLimit(items=1000, size=8_000_000)
    url_parts = (("username", "username"), ("password", "password"), ("hosts", "hosts"))

    def __init__(
        self,
        *,
        client: "Client | None" = None,
        host: str = "127.0.0.1",
        port: int = PORT,
        hosts: Sequence[tuple[str, int]] | None = None,
        username: str | None = None,
        password: str | None = None,
        ssl: SSLContext | None = None,
        pool_size: int = 1,
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a client, a host or several hosts; connects on first use.

        Args:
            client: aiomcache client, whose server and `conn_args` are used. The store opens separate
                connections and does not close the client.
            host: Host name; ignored if `client` is given.
            port: Port; ignored if `client` is given.
            hosts: Hosts and ports of several servers, over which the entries are distributed.
            username: User of the server (`memcached -Y`); ignored if `client` is given.
            password: Password of the user.
            ssl: SSL context for a server with TLS; ignored if `client` is given.
            pool_size: Number of connections per server; each carries any number of concurrent calls.
            default_collection: Collection used when a call does not name one.
            key_sanitization_strategy: Strategy that maps `<collection>::<key>` to a memcached key, instead of
                the encoding described above.
            timeout: Maximum time to connect, and to wait for a response, in seconds; None sets no limit.

        Raises:
            ValueError: `pool_size` is below 1, `timeout` is not positive, `hosts` is empty, or only one of
                `username` and `password` is given.
        """
        if pool_size < 1:
            raise ValueError(f"pool_size must be 1 or more, not {pool_size}")
        if hosts is not None and not hosts:
            raise ValueError("hosts must contain at least one server")
        if (username is None) != (password is None):
            raise ValueError("username and password must be given together")
        super().__init__(default_collection=default_collection, timeout=timeout)
        self.names = MemcachedNames(key_sanitization_strategy)
        credentials = None if username is None or password is None else (username, password)
        options = {} if ssl is None else {"ssl": ssl}
        servers = [Server(*at, options, credentials) for at in hosts or [(host, port)]]
        if client is None:
            self.location = ",".join(map(repr, servers))
        else:
            servers = [server_of(client)]
        self._servers = self._owns(ClientPerLoop[Servers](None, lambda: Servers(servers, pool_size, timeout)))
        self._item_size = 0

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        arguments = super()._arguments_from_url(url)
        if "hosts" in arguments:
            servers = [urlsplit(f"//{server}") for server in arguments["hosts"].split(",")]
            arguments["hosts"] = [(server.hostname or "127.0.0.1", server.port or PORT) for server in servers]
        return arguments

    @override
    async def _setup(self) -> None:
        servers = await self._servers.get()
        self._item_size = await self._fetch(servers.item_size)

    @override
    async def _read(self, address: str) -> bytes | None:
        return _only([_data(await self._item(b"get", address))])

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        keys = [address.encode() for address in addresses]

        def send(connection: Connection, part: Sequence[int]) -> Answer[Item | None]:
            chosen = [keys[index] for index in part]
            return connection.send(b"get %s\r\n" % b" ".join(chosen), Items(chosen))

        return [_data(item) for item in await (await self._servers.get()).call(keys, send)]

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        answer = await self._store(b"set", address, data, _exptime(ttl))
        if answer != b"STORED":
            raise refusal(answer)

    @override
    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        refused = [self._too_large(*item) for item in items]
        fitting = [item for item, error in zip(items, refused, strict=True) if error is None]
        commands = [_storage(b"set", address.encode(), data, _exptime(ttl)) for address, data in fitting]
        answers = iter(await self._send([address for address, _ in fitting], commands))
        return [error or _unless((b"STORED",), next(answers)) for error in refused]

    @override
    async def _remove(self, address: str) -> None:
        _only(await self._remove_many([address]))

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        answers = await self._send(addresses, [b"delete %s\r\n" % address.encode() for address in addresses])
        return [_unless((b"DELETED", b"NOT_FOUND"), answer) for answer in answers]

    @override
    async def _take(self, address: str) -> bytes | None:
        return _only(await self._take_many([address]))

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        keys = [address.encode() for address in addresses]

        def send(connection: Connection, part: Sequence[int]) -> Answer[Item | Exception | None]:
            chosen = [keys[index] for index in part]
            deletions = b"".join([b"delete %s\r\n" % key for key in chosen])
            return connection.send(b"get %s\r\n%s" % (b" ".join(chosen), deletions), TakenItems(chosen))

        taken = await (await self._servers.get()).call(keys, send, writes=True)
        # Another client's item counts as removed, too.
        return [b"" if isinstance(item, Item) and item.has_flags else _data(item) for item in taken]

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        # `_take` may delete a later item than the one it returns.
        return await VersionedStore._take_entry(self, collection=collection, key=key)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        if version is None:
            return _is_stored(await self._store(b"add", address, data, _exptime(ttl)))
        return await self._replace(address, data, _exptime(ttl), version)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._replace(address, b"", GONE, version)

    async def _replace(self, address: str, data: bytes, exptime: int, version: str) -> bool:
        """Replace an item that has a given version.

        The version is not memcached's `cas` number, because memcached restarts those numbers with the server.
        """
        item = await self._item(b"gets", address)
        if item is None or item.has_flags or self.version_of(item.data) != version:
            return False
        return _is_stored(await self._store(b"cas", address, data, exptime, item.token))

    async def _item(self, command: bytes, address: str) -> Item | None:
        key = address.encode()
        connection = await (await self._servers.get()).link(key).connect()
        [item] = await connection.send(b"%s %s\r\n" % (command, key), Items((key,))).get()
        return item

    async def _store(
        self, command: bytes, address: str, data: bytes, exptime: int, token: int | None = None
    ) -> bytes:
        """Store an item with one command and return the response line."""
        refused = self._too_large(address, data)
        if refused is not None:
            raise refused
        key = address.encode()
        connection = await (await self._servers.get()).link(key).connect()
        [line] = await connection.send(_storage(command, key, data, exptime, token), Lines(1)).settled()
        return line

    async def _send(self, addresses: Sequence[str], commands: Sequence[bytes]) -> list[bytes | Exception]:
        """Send one command per entry and return the response line of each."""

        def send(connection: Connection, part: Sequence[int]) -> Answer[bytes]:
            return connection.send(b"".join([commands[index] for index in part]), Lines(len(part)))

        keys = [address.encode() for address in addresses]
        return await (await self._servers.get()).call(keys, send, writes=True)

    def _too_large(self, address: str, data: bytes) -> Exception | None:
        """Return the error for a value that memcached would reject after dropping the old one, or None."""
        size = len(data) + len(address.encode()) + ITEM_OVERHEAD
        if size <= self._item_size:
            return None
        return ValueTooLargeError(size=size, max_size=self._item_size)


def _only(results: Sequence[T | Exception]) -> T:
    [result] = results
    if isinstance(result, Exception):
        raise result
    return result


def _storage(command: bytes, key: bytes, data: bytes, exptime: int, token: int | None = None) -> bytes:
    number = b"" if token is None else b" %d" % token
    return b"%s %s 0 %d %d%s\r\n%s\r\n" % (command, key, exptime, len(data), number, data)


def _data(item: Item | Exception | None) -> bytes | Exception | None:
    if not isinstance(item, Item):
        return item
    if item.has_flags:
        return DeserializationError(message="The item has flags, so another client wrote it")
    return item.data


def _is_stored(answer: bytes) -> bool:
    if answer in (b"NOT_STORED", b"EXISTS", b"NOT_FOUND"):
        return False
    if answer != b"STORED":
        raise refusal(answer)
    return True


def _unless(expected: Sequence[bytes], answer: bytes | Exception) -> Exception | None:
    if isinstance(answer, Exception):
        return answer
    return None if answer in expected else refusal(answer)


def _exptime(ttl: float | None) -> int:
    """Return when memcached may drop an item; its clock ticks once a second, so this is never too early."""
    if ttl is None:
        return 0
    seconds = math.ceil(ttl) + 1
    return seconds if seconds <= RELATIVE else min(math.ceil(time.time() + ttl) + 1, LATEST)
