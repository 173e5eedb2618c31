"""aiobotocore's clients: how they are created, and how their exceptions are mapped."""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

try:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession
    from aiohttp import ClientError as AiohttpError
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ReadTimeoutError,
        SSLError,
    )
    from botocore.loaders import create_loader
except ImportError as error:
    raise ImportError("S3Store needs aiobotocore: pip install 'py-key-value-aio[s3]'") from error

if TYPE_CHECKING:
    from botocore.config import Config

__all__ = [
    "ERRORS",
    "Client",
    "ClientError",
    "Clients",
    "code_of",
    "make_config",
    "open_clients",
    "read_error",
]

ERRORS = (
    ((ConnectTimeoutError, EndpointConnectionError, SSLError), StoreUnreachableError),
    (ReadTimeoutError, StoreTimeoutError),
    # A truncated response is an exception of aiohttp.
    ((HTTPClientError, AiohttpError, OSError), StoreConnectionError),
    ((NoCredentialsError, PartialCredentialsError), StoreAuthenticationError),
    (BotoCoreError, KeyValueStoreError),
)

_TRY_LATER = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    }
)
"""Errors after which nothing was done: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

_FORBIDDEN = (
    "the credentials lack a permission, or the object does not exist and they lack s3:ListBucket, "
    "without which S3 does not distinguish the two"
)
_EXPIRED = "the credentials are temporary and no longer valid"
_WRONG = "the credentials are wrong"
_HINTS = {
    "403": _FORBIDDEN,
    "AccessDenied": _FORBIDDEN,
    "AllAccessDisabled": _FORBIDDEN,
    "AuthorizationHeaderMalformed": "the bucket is in another region",
    "ExpiredToken": _EXPIRED,
    "InvalidAccessKeyId": _WRONG,
    "InvalidToken": _EXPIRED,
    "NoSuchBucket": "the bucket does not exist",
    "NotImplemented": "the server lacks a feature that the store needs",
    "PermanentRedirect": "the bucket is in another region",
    "PreconditionFailed": "the server reports that an object exists, but does not return it",
    "RequestTimeTooSkewed": "the clock of this machine differs too much from that of the server",
    "SignatureDoesNotMatch": _WRONG,
    "TokenRefreshRequired": _EXPIRED,
}


class Client(Protocol):
    """The subset of the driver's dynamically created client that the store uses."""

    meta: Any

    def get_object(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Read an object."""
        ...

    def put_object(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Store an object."""
        ...

    def delete_object(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Remove an object."""
        ...

    def delete_objects(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Remove up to 1000 objects."""
        ...

    def list_objects_v2(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """List up to 1000 objects."""
        ...

    def head_bucket(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Check whether a bucket exists."""
        ...

    def create_bucket(self, **arguments: Any) -> Awaitable[dict[str, Any]]:
        """Create a bucket."""
        ...


class Clients(NamedTuple):
    """The clients of one event loop."""

    client: Client
    once: Client
    """Client without retries, for conditional writes."""


def make_config(
    given: "Config | None",
    *,
    timeout: float | None,
    endpoint_url: str | None,
    pool_size: int,
    addressing_style: str | None,
) -> AioConfig:
    """Return the configuration of a client.

    Args:
        given: Configuration that takes precedence over all other settings.
        timeout: Maximum duration of a call, in seconds; None leaves it to the driver.
        endpoint_url: URL of the server; None for AWS.
        pool_size: Maximum number of open connections.
        addressing_style: `path`, `virtual` or `auto`; None uses the driver's configuration.
    """
    options: dict[str, Any] = {
        "max_pool_connections": pool_size,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    }
    if timeout is not None:
        options |= {"connect_timeout": timeout / 2, "read_timeout": timeout}
    if addressing_style is not None:
        options["s3"] = {"addressing_style": addressing_style}
    if endpoint_url is not None:
        # Servers other than AWS may reject the checksums that the driver adds.
        options |= dict.fromkeys(
            ("request_checksum_calculation", "response_checksum_validation"), "when_required"
        )
    config = AioConfig(**options)
    return config if given is None else config.merge(cast("AioConfig", given))


@asynccontextmanager
async def open_clients(
    profile: str | None, config: AioConfig, arguments: Mapping[str, Any]
) -> AsyncGenerator[Clients]:
    """Open the clients of an event loop, with a session that refreshes credentials under a lock of that loop.

    Args:
        profile: Profile in the shared configuration files; None for the default.
        config: Configuration of the clients.
        arguments: Further arguments of `AioSession.create_client`.
    """
    session = AioSession(profile=profile)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    unrepeated = config.merge(AioConfig(retries={"mode": "standard", "total_max_attempts": 1}))
    async with (
        session.create_client("s3", config=config, **arguments) as client,
        session.create_client("s3", config=unrepeated, **arguments) as once,
    ):
        yield Clients(cast("Client", client), cast("Client", once))


@cache
def _loader(data_path: str | None) -> Any:
    """Return a cached loader of the S3 service description, the slowest part of opening a client."""
    return create_loader(data_path)


def code_of(error: ClientError) -> str:
    """Return the error code of a response; without a body, it is the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def read_error(error: ClientError, place: str) -> KeyValueStoreError:
    """Map an error response of the server.

    Args:
        error: The error response.
        place: Prefix of the message.
    """
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    hint = _HINTS.get(code)
    message = f"{place}: {error}" if hint is None else f"{place}: {hint}: {error}"
    if code in _TRY_LATER or status == 429:
        return StoreUnreachableError(message=message)
    if code == "RequestTimeout":
        return StoreTimeoutError(message=message)
    is_broken = status >= 500 or code == "InternalError"
    if is_broken and code != "NotImplemented":
        return StoreConnectionError(message=message)
    is_refused = status == 401 or hint in {_FORBIDDEN, _EXPIRED, _WRONG}
    return (StoreAuthenticationError if is_refused else KeyValueStoreError)(message=message)
