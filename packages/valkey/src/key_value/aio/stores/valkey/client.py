"""valkey-glide's clients: their configuration from arguments and URLs, and their exceptions."""

import copy
import math
import re
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

try:
    from glide import (
        AdvancedGlideClientConfiguration,
        AdvancedGlideClusterClientConfiguration,
        BackoffStrategy,
        ClosingError,
        GlideClient,
        GlideClientConfiguration,
        GlideClusterClient,
        GlideClusterClientConfiguration,
        GlideError,
        NodeAddress,
        RequestError,
        ServerCredentials,
        TlsAdvancedConfiguration,
    )
    from glide import ConnectionError as GlideConnectionError
    from glide import TimeoutError as GlideTimeoutError
except ImportError as error:
    raise ImportError("ValkeyStore needs valkey-glide: pip install 'py-key-value-aio[valkey]'") from error

__all__ = [
    "ERRORS",
    "Client",
    "Configuration",
    "GlideError",
    "configure",
    "connect",
    "is_cluster",
    "is_lost",
    "kind_of",
    "location_of",
    "parse_url",
    "tls_files",
]

Configuration: TypeAlias = GlideClientConfiguration | GlideClusterClientConfiguration

ERRORS = (
    # Two of its exceptions share the names of built-in ones but are not subclasses of them.
    (GlideTimeoutError, StoreTimeoutError),
    ((GlideConnectionError, ClosingError), StoreConnectionError),
    (GlideError, KeyValueStoreError),
)

_KINDS = (
    (GlideError, re.compile("WRONGPASS|NOAUTH|PermissionDenied"), StoreAuthenticationError),
    (GlideError, re.compile("refused to switch database"), KeyValueStoreError),
    # There is no connection, or too many commands are in flight.
    (
        RequestError,
        re.compile("connect failed|maximum inflight|ConnectionNotFoundForRoute|AllConnectionsUnavailable"),
        StoreUnreachableError,
    ),
    # The connection broke, or the server does not serve the entry at the moment.
    (
        RequestError,
        re.compile(
            "Fatal|BrokenPipe|NotConnected|UnexpectedEof|Connection(Refused|Reset|Aborted)"
            "|ReadOnly|ClusterDown|MasterDown|Loading|Moved|TryAgain",
            re.IGNORECASE,
        ),
        StoreConnectionError,
    ),
)

_SCHEMES = {"valkey": False, "redis": False, "valkeys": True, "rediss": True}
"""URL schemes, and whether they imply TLS."""

_IN_FLIGHT = 1_000_000
"""Maximum number of commands in flight; by default the driver rejects the 1,001st."""


def kind_of(error: Exception) -> type[KeyValueStoreError] | None:
    """Return the error class for a driver exception recognised by its message, or None."""
    for driver, words, kind in _KINDS:
        if isinstance(error, driver) and words.search(str(error)):
            return kind
    return None


def is_lost(answer: object) -> bool:
    """Return whether a response is an error that the client may not recover from.

    If its server became a replica or changed its password, a client keeps failing with `ReadOnly` or waiting,
    even after that situation has passed.
    """
    if isinstance(answer, (GlideTimeoutError, GlideConnectionError)):
        return True
    return isinstance(answer, RequestError) and "ReadOnly" in str(answer)


class Client(Protocol):
    """The subset of the driver's partly typed clients that the store uses."""

    config: Configuration

    def custom_command(self, command_args: Sequence[str | bytes], route: Any = ...) -> Awaitable[Any]:
        """Send one command; only a cluster client accepts a route."""
        ...

    def exec(self, batch: Any, raise_on_error: bool, options: Any) -> Awaitable[list[Any]]:
        """Send several commands."""
        ...

    def close(self) -> Awaitable[None]:
        """Close the connections."""
        ...


def is_cluster(client: object) -> bool:
    """Return whether a client is a cluster client."""
    return isinstance(client, GlideClusterClient)


class ParsedURL(NamedTuple):
    """The parts of a URL."""

    address: tuple[str, int]
    db: int | None
    username: str | None
    password: str | None
    tls: bool


def parse_url(url: str) -> ParsedURL:
    """Parse `valkey[s]://[user[:password]@]host[:port][/db]`; `redis://` and `rediss://` are synonyms.

    Raises:
        ValueError: The URL has another form. The message does not quote it, because it may hold a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("url cannot be parsed: percent-encode the user name and the password") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("a Valkey URL must begin with valkey://, valkeys://, redis:// or rediss://")
    if parts.query or parts.fragment:
        raise ValueError("a Valkey URL does not accept options: pass them as arguments")
    path = parts.path.strip("/")
    if path and not path.isdecimal():
        raise ValueError("the path of a Valkey URL must be a database number")
    try:
        port = parts.port or 6379
    except ValueError:
        raise ValueError("the port of a Valkey URL must be a number below 65536") from None
    return ParsedURL(
        address=(unquote(parts.hostname or "localhost"), port),
        db=int(path) if path else None,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=_SCHEMES[parts.scheme],
    )


def tls_files(
    *, ca_certs: str | None, certfile: str | None, keyfile: str | None, verify: bool
) -> TlsAdvancedConfiguration | None:
    """Return the driver's TLS configuration, or None if all settings have their defaults."""
    files = {"root_pem_cacerts": ca_certs, "client_cert_pem": certfile, "client_key_pem": keyfile}
    options: dict[str, Any] = {
        name: Path(file).read_bytes() for name, file in files.items() if file is not None
    }
    if not verify:
        options["use_insecure_tls"] = True
    return TlsAdvancedConfiguration(**options) if options else None


def configure(
    addresses: Sequence[tuple[str, int]],
    *,
    cluster: bool,
    db: int,
    credentials: tuple[str | None, str] | None,
    tls: bool,
    tls_config: TlsAdvancedConfiguration | None,
) -> Configuration:
    """Return the configuration of a client.

    Args:
        addresses: Host and port of the server and its replicas, or of some nodes of the cluster.
        cluster: Whether the addresses are nodes of a cluster.
        db: Database number.
        credentials: User name and password.
        tls: Whether to use TLS.
        tls_config: Trusted certificates and the client certificate.
    """
    common: dict[str, Any] = {
        "addresses": [NodeAddress(host, port) for host, port in addresses],
        "use_tls": tls,
        # A number makes the driver send SELECT, which not every cluster supports.
        "database_id": db or None,
    }
    if credentials is not None:
        common["credentials"] = ServerCredentials(username=credentials[0], password=credentials[1])
    if cluster:
        cluster_advanced = AdvancedGlideClusterClientConfiguration(tls_config=tls_config)
        return GlideClusterClientConfiguration(**common, advanced_config=cluster_advanced)
    advanced = AdvancedGlideClientConfiguration(tls_config=tls_config)
    return GlideClientConfiguration(**common, advanced_config=advanced)


async def connect(given: Configuration, timeout: float | None) -> Client:
    """Create a client that connects with its first command, because connecting blocks the event loop.

    Args:
        given: Configuration of the client. The store sets options that it leaves at the driver's defaults.
        timeout: Maximum duration of a command and of a connection attempt, in seconds, even if `given` allows
            a longer command; None keeps the driver's defaults.
    """
    configuration = copy.copy(given)
    configuration.lazy_connect = True
    if configuration.inflight_requests_limit is None:
        configuration.inflight_requests_limit = _IN_FLIGHT
    if configuration.reconnect_strategy is None:
        # If the first attempt is refused, the driver raises at once and reports the reason.
        configuration.reconnect_strategy = BackoffStrategy(num_of_retries=1, factor=10, exponent_base=2)
    if timeout is not None:
        milliseconds = math.ceil(timeout * 1000)
        configuration.request_timeout = min(configuration.request_timeout or milliseconds, milliseconds)
        advanced = copy.copy(configuration.advanced_config)
        if advanced is not None and advanced.connection_timeout is None:
            advanced.connection_timeout = milliseconds
            configuration.advanced_config = advanced
    if isinstance(configuration, GlideClusterClientConfiguration):
        return cast("Client", await GlideClusterClient.create(configuration))
    return cast("Client", await GlideClient.create(configuration))


def location_of(configuration: Configuration) -> str:
    """Return the location that a client connects to, without user name and password."""
    nodes = ",".join(f"{node.host}:{node.port}" for node in configuration.addresses)
    return f"{'valkeys' if configuration.use_tls else 'valkey'}://{nodes}/{configuration.database_id or 0}"
