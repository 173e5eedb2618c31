"""A store in Valkey."""

import math
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import SplitResult

from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    StoreConnectionError,
    ValueTooLargeError,
)
from key_value.aio.stores.base import (
    AddressPage,
    ClientPerLoop,
    Names,
    PagedBytesStore,
    VersionedBytesStore,
)
from key_value.aio.stores.valkey.client import (
    ERRORS,
    Client,
    Configuration,
    GlideError,
    configure,
    connect,
    kind_of,
    location_of,
    parse_url,
    tls_files,
)
from key_value.aio.stores.valkey.commands import Command, Commands

if TYPE_CHECKING:
    from glide import (
        GlideClient,
        GlideClientConfiguration,
        GlideClusterClient,
        GlideClusterClientConfiguration,
    )

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

MAX_BYTES = 512 * 1024 * 1024
"""The server's `proto-max-bulk-len`; a longer value makes it drop the connection and all calls in flight."""

_GLOB = re.compile(r"[*?\[\]^\\-]")


class ValkeyStore(VersionedBytesStore, PagedBytesStore):
    """A store in Valkey, Redis 6.2 or later, or a cluster of either; the server removes expired entries.

    Entries are stored at `<collection>::<key>`. The database may hold other data, which is neither listed nor
    removed, because each document names its entry.

    Without a `client` argument, the store creates a client per event loop, and its commands end within
    `timeout`. On a broken connection, reads and plain writes are retried once, conditional writes never. A
    client that you pass in keeps its own timeouts, if they are shorter. It belongs to the event loop in which
    it was created: a call from another loop raises `StoreTimeoutError`.
    """

    names = Names(formerly=Names.PLAIN)
    errors = ERRORS
    reconnects = True
    reclaim_after = None  # The server removes expired entries.
    url_parts = (
        ("host", "host"),
        ("port", "port"),
        ("path", "db"),
        ("username", "username"),
        ("password", "password"),
    )

    def __init__(
        self,
        *,
        client: "GlideClient | GlideClusterClient | None" = None,
        config: "GlideClientConfiguration | GlideClusterClientConfiguration | None" = None,
        url: str | None = None,
        host: str = "localhost",
        port: int = 6379,
        addresses: Sequence[tuple[str, int]] | None = None,
        cluster: bool = False,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
        ssl_ca_certs: str | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_cert_reqs: Literal["required", "none"] = "required",
        default_collection: str | None = None,
        timeout: float | None = 5.0,
    ) -> None:
        """Initialize with a client, or with the configuration to create one; connects on first use.

        Args:
            client: valkey-glide client, also for a cluster. The store does not close it.
            config: Client configuration, also for a cluster, instead of all arguments up to `ssl_cert_reqs`.
                The store sets `lazy_connect`, and timeouts and the reconnection strategy where they are
                missing.
            url: `valkey://` or, for TLS, `valkeys://` URL; `redis://` and `rediss://` are synonyms. Its parts
                take precedence over the other arguments. User name and password are percent-decoded.
            host: Host name; ignored if `url` is given.
            port: Port; ignored if `url` is given.
            addresses: Host and port of several nodes, instead of `host` and `port`: either a primary and its
                replicas, or nodes of a cluster.
            cluster: Whether the server is a node of a cluster.
            db: Database number; clusters have several databases only since Valkey 9.
            username: ACL user name; requires `password`.
            password: Password of the user, or of the server.
            ssl: Whether to use TLS; any of the arguments below implies it.
            ssl_ca_certs: File of trusted CA certificates. Defaults to those of the system.
            ssl_certfile: File of the client certificate.
            ssl_keyfile: File of the client certificate's private key.
            ssl_cert_reqs: Whether the server certificate must be valid.
            default_collection: Collection used when a call does not name one.
            timeout: Maximum duration of a call to the server, in seconds; None leaves it to the client.

        Raises:
            ValueError: `client` and `config` are given together, the URL is invalid, a user name has no
                password (the driver would ignore it), or `timeout` is not positive.
            OSError: A certificate or key file cannot be read.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        if client is not None and config is not None:
            raise ValueError("client and config are mutually exclusive")
        self._given = cast("Client | None", client)
        self._config: Configuration
        if config is not None or client is not None:
            self._config = config or cast("Client", client).config
        else:
            tls_config = tls_files(
                ca_certs=ssl_ca_certs,
                certfile=ssl_certfile,
                keyfile=ssl_keyfile,
                verify=ssl_cert_reqs != "none",
            )
            nodes = addresses or [(host, port)]
            tls = ssl or tls_config is not None
            if url is not None:
                place = parse_url(url)
                nodes, tls = [place.address], tls or place.tls
                db = db if place.db is None else place.db
                username, password = place.username or username, place.password or password
            if username and not password:
                raise ValueError("username requires a password: the driver does not send it alone")
            self._config = configure(
                nodes,
                cluster=cluster,
                db=db,
                credentials=(username, password) if password else None,
                tls=tls,
                tls_config=tls_config,
            )
        self.location = location_of(self._config)
        # Shorter than the store's own timeout, so that the driver reports the missing response first.
        self._answer_timeout = None if timeout is None else timeout * 0.9
        self._commands = self._owns(ClientPerLoop[Commands](None, self._open))

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        tls = {"ssl": True} if url.scheme in ("valkeys", "rediss") else {}
        return {**super()._arguments_from_url(url), **tls}

    @property
    def client(self) -> Any:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._given or self._commands.current().client

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Commands]:
        if self._given is not None:
            yield Commands(self._given, renew=None, timeout=self.timeout)
            return
        renew = partial(connect, self._config, self._answer_timeout)
        commands = Commands(await renew(), renew=renew, timeout=self._answer_timeout)
        try:
            yield commands
        finally:
            await commands.client.close()

    @override
    async def _setup(self) -> None:
        await self._commands.get()

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        kind = kind_of(error)
        if kind is not None:
            return kind(message=f"{self!r}: {error}")
        if type(error) is TimeoutError and self._given is None:
            return StoreConnectionError(
                message=f"{self!r}: valkey-glide lost the response, as when the event loop that reads it ends"
            )
        return super()._map_error(error)

    @override
    async def _read(self, address: str) -> bytes | None:
        return await (await self._commands.get()).read(address)

    @override
    async def _read_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        return await (await self._commands.get()).read_many(addresses)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await (await self._commands.get()).execute(*_set(address, data, ttl))

    @override
    async def _write_many(
        self, items: Sequence[tuple[str, bytes]], ttl: float | None
    ) -> Sequence[Exception | None]:
        commands = await self._commands.get()
        if ttl is None and not commands.is_cluster:
            await commands.execute("MSET", *(part for item in items for part in _set(*item, None)[1:]))
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
        command = _set(address, data, ttl)
        if version is None:
            return bool(await (await self._commands.get()).execute(*command, "NX"))
        milliseconds = command[4:]
        return await self._call_script(address, version, data, *milliseconds)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._call_script(address, version)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        commands = await self._commands.get()
        name, _, at = (cursor or "").rpartition(" ")
        nodes = await commands.primaries() if commands.is_cluster else [None]
        index = next((index for index, node in enumerate(nodes) if node and node.name == name), 0)
        node = nodes[index]
        if name and (node is None or node.name != name):
            raise ValueError(f"cursor belongs to {name}, which is not a primary node of the cluster now")
        pattern = _GLOB.sub(r"\\\g<0>", prefix) + "*"
        following, found = await commands.scan(
            node, "SCAN", at or "0", "MATCH", pattern, "COUNT", str(limit), "TYPE", "string"
        )
        items = [(address, None) for each in found if (address := _text(each)) is not None]
        if following != "0":
            return AddressPage(items, f"{node.name} {following}" if node else following)
        beyond = nodes[index + 1 :]
        return AddressPage(items, f"{beyond[0].name} 0" if beyond and beyond[0] else None)

    @override
    async def _cull(self) -> None:
        """Do nothing: the server removes expired entries."""

    async def _call_script(self, address: str, *arguments: str | bytes) -> bool:
        commands = await self._commands.get()
        try:
            return bool(await commands.execute("EVALSHA", WRITE_IF_SHA1, "1", address, *arguments))
        except GlideError as error:
            if "NoScript" not in str(error):
                raise
            return bool(await commands.execute("EVAL", WRITE_IF, "1", address, *arguments))


def _set(address: str, data: bytes, ttl: float | None) -> Command:
    if len(data) > MAX_BYTES:
        raise ValueTooLargeError(size=len(data), max_size=MAX_BYTES)
    command = ("SET", address, data)
    return command if ttl is None else (*command, "PX", str(math.ceil(ttl * 1000)))


def _text(name: bytes) -> str | None:
    """Return a key of the database as text; None if it is not UTF-8, as all keys of the store are."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return None


def _exceptions(answers: Sequence[Any]) -> list[Exception | None]:
    return [answer if isinstance(answer, Exception) else None for answer in answers]
