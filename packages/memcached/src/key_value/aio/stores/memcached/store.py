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
"""Bytes of an item besides its key and value."""

RELATIVE = 2_592_000
"""Seconds up to which a time is relative; beyond it is one since 1970."""

LATEST = 2**31 - 1
"""The last second since 1970 that memcached knows; from there on an item is gone at once."""

GONE = RELATIVE + 1
"""A time in 1970: what is stored with it is gone at once."""


class MemcachedStore(VersionedBytesStore):
    """A store in memcached, which drops what has expired, and more when its memory is full.

    An entry is at `<collection>::<key>`; white space and control characters are percent-encoded, and what is
    longer than 250 bytes is hashed. Memcached cannot list keys, so nothing here lists or destroys a
    collection, and `flush_all` would remove what others have stored: `destroy` is not there either.

    Memcached counts whole seconds, so it keeps an entry longer; the document decides when it has expired.
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
        """Use the server of a client, or the one at a host, or several; nothing is sent before it is used.

        Args:
            client: A client of aiomcache, whose server and `conn_args` are used; the store makes connections
                of its own, and does not close the client.
            host: The host, without a client.
            port: The port, without a client.
            hosts: Hosts and ports of several servers, in place of one: the entries are spread over them.
            username: A user of the server's (`memcached -Y`), without a client.
            password: The user's password.
            ssl: A context, for a server with TLS, without a client.
            pool_size: Connections to each server, of which each carries any number of calls.
            default_collection: The collection used when a call names none.
            key_sanitization_strategy: What becomes of `<collection>::<key>`, in place of the above.
            timeout: Seconds that a connection, and an answer of the server, may take; None sets no bound.

        Raises:
            ValueError: `pool_size` is below 1, `timeout` is not positive, `hosts` is empty, or there is a
                username or a password alone.
        """
        if pool_size < 1:
            raise ValueError(f"pool_size must be 1 or more, not {pool_size}")
        if hosts is not None and not hosts:
            raise ValueError("hosts must have one server or more")
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
        # Another client's item was there too.
        return [b"" if isinstance(item, Item) and item.has_flags else _data(item) for item in taken]

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        # What `_take` deletes may be a later item than the one that it returns.
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
        """Store data in place of an item that has a version.

        The number for `cas` is not one that lasts: memcached counts anew when it starts.
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
        """Store an item by a command, and return the line that answers it."""
        refused = self._too_large(address, data)
        if refused is not None:
            raise refused
        key = address.encode()
        connection = await (await self._servers.get()).link(key).connect()
        [line] = await connection.send(_storage(command, key, data, exptime, token), Lines(1)).settled()
        return line

    async def _send(self, addresses: Sequence[str], commands: Sequence[bytes]) -> list[bytes | Exception]:
        """Send a command for each of some entries, and return the line that answers each."""

        def send(connection: Connection, part: Sequence[int]) -> Answer[bytes]:
            return connection.send(b"".join([commands[index] for index in part]), Lines(len(part)))

        keys = [address.encode() for address in addresses]
        return await (await self._servers.get()).call(keys, send, writes=True)

    def _too_large(self, address: str, data: bytes) -> Exception | None:
        """Return the error for a value that memcached would refuse, after it has dropped the old one."""
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
        return DeserializationError(message="The item has flags, so it is another client's")
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
    """Return when memcached may drop an item: its clock ticks once a second, so never too early."""
    if ttl is None:
        return 0
    seconds = math.ceil(ttl) + 1
    return seconds if seconds <= RELATIVE else min(math.ceil(time.time() + ttl) + 1, LATEST)
