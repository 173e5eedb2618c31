"""The parts of redis-py that the store uses: its clients, how they are created, and their exceptions."""

import math
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
)

try:
    from redis import asyncio as redis
    from redis.asyncio.cluster import RedisCluster
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.client import NEVER_DECODE
    from redis.exceptions import (
        AuthenticationError,
        AuthorizationError,
        ClusterDownError,
        MasterDownError,
        NoPermissionError,
        NoScriptError,
        ReadOnlyError,
        RedisError,
    )
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import TimeoutError as RedisTimeoutError
except ImportError as error:
    raise ImportError("RedisStore needs redis: pip install 'py-key-value-aio[redis]'") from error

__all__ = [
    "ERRORS",
    "RAW",
    "UNANSWERED",
    "Client",
    "NoScriptError",
    "RedisConnectionError",
    "connections_of",
    "is_cluster",
    "location_of",
    "make_client",
    "tls_options",
]

RAW = {NEVER_DECODE: True}
"""Makes a client that has `decode_responses` return bytes anyway."""

UNANSWERED = (RedisTimeoutError, RedisConnectionError, OSError)
"""Errors after which a command may have reached the server without a response."""

ERRORS = (
    (RedisTimeoutError, StoreTimeoutError),
    # redis-py counts a rejected password among the connection errors.
    ((AuthenticationError, AuthorizationError, NoPermissionError), StoreAuthenticationError),
    # LOADING is already a connection error; a replica replies READONLY during a failover.
    ((RedisConnectionError, ClusterDownError, MasterDownError, ReadOnlyError, OSError), StoreConnectionError),
    (RedisError, KeyValueStoreError),
)


_UNCLEAR = "url has an invalid host or port: percent-encode the user name and the password"


class Pipeline(Protocol):
    """A batch of commands that are sent together."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> object:
        """Add a command."""
        ...

    def execute(self, raise_on_error: bool = True) -> Awaitable[list[Any]]:
        """Send all commands."""
        ...


class Node(Protocol):
    """A node of a cluster."""

    name: str


class Pool(Protocol):
    """A connection pool."""

    max_connections: int


class Client(Protocol):
    """The subset of redis-py's partly typed clients that the store uses."""

    connection_pool: Pool
    """Missing on cluster clients."""

    connection_kwargs: dict[str, Any]
    """Present on cluster clients only."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> Awaitable[Any]:
        """Send one command."""
        ...

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Create a pipeline."""
        ...

    def initialize(self) -> Awaitable[object]:
        """Connect; a cluster client also discovers the nodes."""
        ...

    def get_primaries(self) -> list[Node]:
        """Return the primary nodes of a cluster; only cluster clients have this method."""
        ...

    def get_node(self, *, node_name: str) -> Node:
        """Return a node of the cluster."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close all connections."""
        ...


def is_cluster(client: object) -> bool:
    """Return whether a client is a Redis Cluster client."""
    return isinstance(client, RedisCluster)


def connections_of(client: Client) -> int:
    """Return the maximum number of connections that a client opens to each server."""
    if is_cluster(client):
        return client.connection_kwargs["max_connections"]
    return client.connection_pool.max_connections


def tls_options(*, ssl: bool, check_hostname: bool, **given: str | None) -> dict[str, Any]:
    """Return the TLS options, which are empty unless an argument requires TLS."""
    options = {name: value for name, value in given.items() if value is not None}
    if not (ssl or options):
        return {}
    # The host name cannot be checked against a certificate that is not verified.
    return {"ssl_check_hostname": check_hostname and options.get("ssl_cert_reqs") != "none", **options}


def make_client(*, url: str | None, tls: bool, timeout: float, options: dict[str, Any]) -> Client:
    """Create a client that never retries by itself; the parts of a URL take precedence over the options.

    Args:
        url: Server URL; None if the options name a host.
        tls: Whether to use TLS.
        timeout: Timeout of a connection attempt, and of the store's calls, in seconds.
        options: Further options of redis-py's client.
    """
    # The driver's own retries would repeat conditional writes and outlast the store's timeout.
    own: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": timeout}
    if timeout < math.inf:
        # The store limits the time of calls; redis-py would spend a task and a timer on each send and read.
        own["socket_timeout"] = None
    options = {**own, **options}
    if url is None:
        return cast("Client", redis.Redis(ssl=tls, **options))
    if tls and urlsplit(url).scheme == "redis":
        url = url.replace("redis://", "rediss://", 1)
    return cast("Callable[..., Client]", redis.Redis.from_url)(url, **options)


def location_of(url: str) -> str:
    """Return a URL without its user name, password and options.

    Raises:
        ValueError: redis-py does not understand the URL. The message contains no part of the URL, because a
            password with an unescaped `/` or `@` may be anywhere in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_UNCLEAR) from None
    if port is not None and "@" in parts.path + parts.fragment:
        raise ValueError(_UNCLEAR)
    parse_url(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
