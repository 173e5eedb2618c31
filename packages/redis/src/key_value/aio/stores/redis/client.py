"""redis-py's clients: the part of them that is used here, how they are made, and their exceptions."""

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
"""Makes a client with `decode_responses` answer in bytes too."""

UNANSWERED = (RedisTimeoutError, RedisConnectionError, OSError)
"""A command may have reached the server, and has no answer."""

ERRORS = (
    (RedisTimeoutError, StoreTimeoutError),
    # redis-py counts a refused password among the connection errors.
    ((AuthenticationError, AuthorizationError, NoPermissionError), StoreAuthenticationError),
    # LOADING is a connection error already; a replica answers READONLY while it takes over.
    ((RedisConnectionError, ClusterDownError, MasterDownError, ReadOnlyError, OSError), StoreConnectionError),
    (RedisError, KeyValueStoreError),
)


_UNCLEAR = "url has no valid host and port: percent-encode the user name and the password"


class Pipeline(Protocol):
    """Commands that are sent together."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> object:
        """Add a command."""
        ...

    def execute(self, raise_on_error: bool = True) -> Awaitable[list[Any]]:
        """Send them all."""
        ...


class Node(Protocol):
    """A node of a cluster."""

    name: str


class Pool(Protocol):
    """The connections to a server."""

    max_connections: int


class Client(Protocol):
    """As much of redis-py's clients, which are typed in part only, as a store needs."""

    connection_pool: Pool
    """What a client of a cluster does not have."""

    connection_kwargs: dict[str, Any]
    """What only a client of a cluster has."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> Awaitable[Any]:
        """Send one command."""
        ...

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Begin a pipeline."""
        ...

    def initialize(self) -> Awaitable[object]:
        """Connect; a client of a cluster learns its nodes."""
        ...

    def get_primaries(self) -> list[Node]:
        """Return the nodes of a cluster that hold its keys; no other client has this method."""
        ...

    def get_node(self, *, node_name: str) -> Node:
        """Return a node of a cluster."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close every connection."""
        ...


def is_cluster(client: object) -> bool:
    """Return whether a client is one of a Redis Cluster."""
    return isinstance(client, RedisCluster)


def connections_of(client: Client) -> int:
    """Return how many connections a client may have open, to each of its servers."""
    if is_cluster(client):
        return client.connection_kwargs["max_connections"]
    return client.connection_pool.max_connections


def tls_options(*, ssl: bool, check_hostname: bool, **given: str | None) -> dict[str, Any]:
    """Return the options for TLS, or none if nothing asks for it."""
    options = {name: value for name, value in given.items() if value is not None}
    if not (ssl or options):
        return {}
    # A certificate that is not verified cannot have its name compared.
    return {"ssl_check_hostname": check_hostname and options.get("ssl_cert_reqs") != "none", **options}


def make_client(*, url: str | None, tls: bool, timeout: float, options: dict[str, Any]) -> Client:
    """Create a client that retries nothing by itself; the parts of a URL go before the other options.

    Args:
        url: The URL; None if the options name a host.
        tls: Whether to use TLS.
        timeout: Seconds for a connection attempt.
        options: Further options of redis-py's client.
    """
    # The driver's own retries would repeat conditional writes, and outlast the store's timeout.
    options = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": timeout, **options}
    if url is None:
        return cast("Client", redis.Redis(ssl=tls, **options))
    if tls and urlsplit(url).scheme == "redis":
        url = url.replace("redis://", "rediss://", 1)
    return cast("Callable[..., Client]", redis.Redis.from_url)(url, **options)


def location_of(url: str) -> str:
    """Return a URL without its user, password and options.

    Raises:
        ValueError: redis-py does not understand the URL. The message has nothing of it, since a password with
            a `/` or an `@` in it may be anywhere.
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
