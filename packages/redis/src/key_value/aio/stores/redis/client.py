"""redis-py's clients: the part of them that is used here, and how they are made."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, Protocol, cast
from urllib.parse import urlsplit

try:
    from redis import asyncio as redis
    from redis.asyncio.cluster import RedisCluster
    from redis.asyncio.connection import parse_url
    from redis.client import NEVER_DECODE
    from redis.exceptions import ResponseError
except ImportError as error:
    raise ImportError("RedisStore needs redis: pip install 'py-key-value-aio[redis]'") from error

__all__ = [
    "RAW",
    "CertReqs",
    "Client",
    "Pipeline",
    "ResponseError",
    "checked_url",
    "client_for_host",
    "client_for_url",
    "is_cluster",
    "tls_options",
]

CertReqs = Literal["required", "optional", "none"]

RAW = {NEVER_DECODE: True}
"""Makes a client with `decode_responses` answer in bytes too."""


class Pipeline(Protocol):
    """Commands that are sent together."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> object:
        """Add a command."""
        ...

    def execute(self, raise_on_error: bool = True) -> Awaitable[list[Any]]:
        """Send them all."""
        ...


class Client(Protocol):
    """As much of redis-py's clients, which are typed in part only, as a store needs."""

    def execute_command(self, *command: str | bytes | int, **options: Any) -> Awaitable[Any]:
        """Send one command."""
        ...

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Begin a pipeline."""
        ...

    def scan_iter(
        self, match: bytes | None = None, count: int | None = None, _type: str | None = None, **options: Any
    ) -> AsyncIterator[bytes]:
        """Walk through the keys, on every node of a cluster."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close every connection."""
        ...


def is_cluster(client: object) -> bool:
    """Whether a client is one of a Redis Cluster."""
    return isinstance(client, RedisCluster)


def tls_options(
    *,
    ssl: bool,
    ssl_ca_certs: str | None,
    ssl_certfile: str | None,
    ssl_keyfile: str | None,
    ssl_check_hostname: bool,
    ssl_cert_reqs: CertReqs | None,
) -> dict[str, Any]:
    """The options for TLS, or none where nothing asks for it."""
    given = {
        "ssl_ca_certs": ssl_ca_certs,
        "ssl_certfile": ssl_certfile,
        "ssl_keyfile": ssl_keyfile,
        "ssl_cert_reqs": ssl_cert_reqs,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not (ssl or given):
        return {}
    # A certificate that is not looked at cannot have its name compared.
    return {"ssl_check_hostname": ssl_check_hostname and ssl_cert_reqs != "none", **given}


def checked_url(url: str, *, tls: bool) -> str:
    """A URL that redis-py understands, made one for TLS where options ask for that.

    Raises:
        ValueError: It does not understand it.
    """
    parse_url(url)
    return url.replace("redis://", "rediss://", 1) if tls and urlsplit(url).scheme == "redis" else url


def client_for_url(url: str, options: dict[str, Any]) -> Client:
    """A client for a URL, whose own parts and options go before the others."""
    from_url = cast("Callable[..., Client]", redis.Redis.from_url)
    return from_url(url, **options)


def client_for_host(*, host: str, port: int, ssl: bool, options: dict[str, Any]) -> Client:
    """A client for one host."""
    return cast("Client", redis.Redis(host=host, port=port, ssl=ssl, **options))
