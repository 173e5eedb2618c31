"""A store in Redis."""

import math
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, StoreUnreachableError
from key_value.aio.stores.base import (
    AddressPage,
    ClientPerLoop,
    Names,
    PagedBytesStore,
    VersionedBytesStore,
)
from key_value.aio.stores.redis.client import (
    ERRORS,
    Client,
    NoScriptError,
    RedisConnectionError,
    location_of,
    make_client,
    tls_options,
)
from key_value.aio.stores.redis.commands import Command, Commands

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

CertReqs = Literal["required", "optional", "none"]

WRITE_IF = """
local old = redis.call('GET', KEYS[1])
if not old or redis.sha1hex(old) ~= ARGV[1] then return 0 end
if #ARGV == 1 then redis.call('DEL', KEYS[1])
elseif #ARGV == 2 then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""
"""Replaces or removes a value by its SHA-1, on any server; SET IFEQ needs the whole old value."""

WRITE_IF_SHA1 = VersionedBytesStore.version_of(WRITE_IF.encode())

_GLOB = re.compile(r"[*?\[\]^\\-]")


class RedisStore(VersionedBytesStore, PagedBytesStore):
    """A store in Redis 6.2 or later, or in a Redis Cluster; the server removes expired entries.

    Entries are stored at `<collection>::<key>`. The database may hold other data, which is neither listed nor
    removed, because each document names its entry.

    Commands issued concurrently are sent together. Without a `client` argument, the store creates a client
    per event loop, and its commands end within `timeout`. On a broken connection, reads and plain writes are
    retried once, conditional writes never. A client that you pass in keeps its own retry and timeout
    settings. If it retries a conditional write of the store, the store recognises that.
    """

    names = Names(formerly=Names.PLAIN)
    errors = ERRORS
    reconnects = True
    reclaim_after = None  # The server removes expired entries.
    url_parts = (("url", "url"),)

    def __init__(
        self,
        *,
        client: "Redis | RedisCluster | None" = None,
        url: str | None = None,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
        ssl_ca_certs: str | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_check_hostname: bool = True,
        ssl_cert_reqs: CertReqs | None = None,
        default_collection: str | None = None,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a client, or with the URL or host of a server; connects on first use.

        Args:
            client: redis-py client, with or without `decode_responses`, also for a cluster. The store does
                not close it.
            url: `redis://`, `rediss://` or `unix://` URL, with redis-py's options. Its parts take precedence
                over the other arguments.
            host: Host name; ignored if `url` is given.
            port: Port; ignored if `url` is given.
            db: Database number.
            username: ACL user name.
            password: Password of the user, or of the server.
            ssl: Whether to use TLS; any of the arguments below implies it.
            ssl_ca_certs: File of trusted CA certificates.
            ssl_certfile: File of the client certificate.
            ssl_keyfile: File of the client certificate's private key.
            ssl_check_hostname: Whether the server certificate must match the host name.
            ssl_cert_reqs: Whether the server certificate must be valid.
            default_collection: Collection used when a call does not name one.
            timeout: Maximum duration of a call to the server, in seconds; None leaves it to the client.

        Raises:
            ValueError: redis-py does not understand the URL, or `timeout` is not positive.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        self._given = cast("Client | None", client)
        self._options = tls_options(
            ssl=ssl,
            check_hostname=ssl_check_hostname,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_cert_reqs=ssl_cert_reqs,
        )
        self._tls = bool(self._options)
        self._options.update(db=db, username=username, password=password)
        self._url = url
        if url is not None:
            self.location = location_of(url)
        elif client is None:
            self._options.update(host=host, port=port)
            self.location = f"{'rediss' if self._tls else 'redis'}://{host}:{port}/{db}"
        self._commands = self._owns(ClientPerLoop[Commands](None, self._open))

    @property
    def client(self) -> Any:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._given or self._commands.current().client

    @property
    def _client(self) -> Any:
        """Name of the client in the 0.5 series, which other libraries use."""
        return self.client

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Commands]:
        client = self._given or make_client(
            url=self._url, tls=self._tls, timeout=self.timeout or math.inf, options=self._options
        )
        commands = Commands(client)
        try:
            yield commands
        finally:
            await commands.finish()
            if client is not self._given:
                await client.aclose()

    @override
    async def _setup(self) -> None:
        await self._commands.get()

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, RedisConnectionError) and " connecting to " in str(error):
            return StoreUnreachableError(message=f"{self!r}: {error}")
        return super()._map_error(error)

    @override
    async def _read(self, address: str) -> bytes | None:
        return await (await self._commands.get()).execute("GET", address)

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        return await (await self._commands.get()).read(addresses)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await (await self._commands.get()).execute(*_set(address, data, ttl))

    @override
    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        commands = await self._commands.get()
        if ttl is None and not commands.is_cluster:
            await commands.send("MSET", *(part for item in items for part in item))
            return [None] * len(items)
        return _exceptions(await commands.execute_all([_set(*item, ttl) for item in items]))

    @override
    async def _remove(self, address: str) -> None:
        await (await self._commands.get()).execute("UNLINK", address)

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        commands = await self._commands.get()
        return _exceptions(await commands.execute_all([("UNLINK", address) for address in addresses]))

    @override
    async def _take(self, address: str) -> bytes | None:
        return await (await self._commands.get()).execute("GETDEL", address)

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        commands = await self._commands.get()
        return await commands.execute_all([("GETDEL", address) for address in addresses])

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        if version is None:
            return bool(await (await self._commands.get()).execute(*_set(address, data, ttl), "NX"))
        milliseconds = () if ttl is None else (_milliseconds(ttl),)
        return await self._call_script(address, version, data, *milliseconds)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._call_script(address, version)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        commands = await self._commands.get()
        node, _, at = (cursor or "").rpartition(" ")
        nodes = await commands.nodes()
        node = node or nodes[0]
        if node not in nodes:
            raise ValueError(f"cursor belongs to {node}, which is not a primary node of the cluster now")
        pattern = _GLOB.sub(r"\\\g<0>", prefix) + "*"
        following, found = await commands.scan(
            node, "SCAN", at or "0", "MATCH", pattern, "COUNT", limit, "TYPE", "string"
        )
        items = [(address, None) for name in found if (address := _text(name)) is not None]
        if following:
            return AddressPage(items, f"{node} {following}")
        beyond = nodes[nodes.index(node) + 1 :]
        return AddressPage(items, f"{beyond[0]} 0" if beyond else None)

    @override
    async def _cull(self) -> None:
        """Do nothing: the server removes expired entries."""

    async def _call_script(self, address: str, *arguments: str | bytes | int) -> bool:
        commands = await self._commands.get()
        try:
            return bool(await commands.execute("EVALSHA", WRITE_IF_SHA1, 1, address, *arguments))
        except NoScriptError:
            return bool(await commands.execute("EVAL", WRITE_IF, 1, address, *arguments))


def _set(address: str, data: bytes, ttl: float | None) -> Command:
    command = ("SET", address, data)
    return command if ttl is None else (*command, "PX", _milliseconds(ttl))


def _milliseconds(ttl: float) -> int:
    return math.ceil(ttl * 1000)


def _text(name: bytes) -> str | None:
    """Return a key of the database as text; None if it is not UTF-8, as all keys of the store are."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return None


def _exceptions(answers: Sequence[Any]) -> list[Exception | None]:
    return [answer if isinstance(answer, Exception) else None for answer in answers]
