"""aiobotocore: how its clients are created, and its exceptions."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiobotocore.client import AioBaseClient
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

__all__ = [
    "AioBaseClient",
    "AioSession",
    "Backoff",
    "ClientError",
    "Clients",
    "Config",
    "check_reply",
    "code_of",
    "make_config",
    "map_error",
    "open_clients",
    "response_of",
    "was_sent_again",
]

ATTEMPTS = 3
"""Maximum number of attempts by the driver for repeatable operations."""

CONDITION_FAILED = "ConditionalCheckFailedException"
MISSING = "ResourceNotFoundException"
IN_USE = "ResourceInUseException"

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TransactionConflictException",
    }
)
"""Errors after which nothing was done, so the request can be repeated."""

_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})

_OTHER_KEY = ("does not match the schema", "conditions on the keys is invalid")
"""Messages of DynamoDB for a key that does not match the table's."""

_GIVES_UP = 0.8
"""Fraction of the timeout after which no request is repeated."""

_PATIENCE = 30.0
"""Seconds after which no request is repeated, if there is no timeout."""


class Clients(NamedTuple):
    """The clients of an event loop."""

    repeating: AioBaseClient
    """For reads and plain writes, which the driver retries by itself."""
    once: AioBaseClient
    """For operations that must not be repeated."""


class Backoff:
    """Waits before a retry, with exponential backoff and jitter."""

    def __init__(self, timeout: float | None) -> None:
        """Start the clock.

        Args:
            timeout: Maximum duration of all attempts, in seconds; None allows 30 seconds.
        """
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + (_PATIENCE if timeout is None else timeout * _GIVES_UP)
        self._longest = 0.05

    async def wait(self) -> bool:
        """Wait before the next attempt; return False if there is no time for one."""
        seconds = random.uniform(0, self._longest)  # noqa: S311 -- so that two do not collide again
        if self._loop.time() + seconds >= self._end:
            return False
        await asyncio.sleep(seconds)
        self._longest = min(2 * self._longest, 2.0)
        return True


class ForeignReplyError(Exception):
    """The reply is not from DynamoDB, but possibly from a proxy or a captive portal."""


_BROKEN = (HTTPClientError, aiohttp.ClientError, ResponseParserError, ForeignReplyError, OSError)
"""The connection broke, or its data was not a valid reply."""

FAILURES = (BotoCoreError, ClientError, *_BROKEN)
"""All exceptions of a call."""


@asynccontextmanager
async def open_clients(
    session: AioSession | None, profile: str | None, options: Mapping[str, Any], config: Any
) -> AsyncGenerator[Clients]:
    """Open the clients of an event loop.

    Args:
        session: Session of the caller; None creates one, whose credentials are refreshed in this loop.
        profile: Profile of a new session.
        options: Options of `create_client`.
        config: Configuration of the clients.
    """
    opening: Any = session or AioSession(profile=profile)
    only_once = AioConfig(retries={"total_max_attempts": 1, "mode": "standard"})
    async with AsyncExitStack() as stack:
        opened: list[AioBaseClient] = [
            await stack.enter_async_context(opening.create_client("dynamodb", config=chosen, **options))
            for chosen in (config, config.merge(only_once))
        ]
        yield Clients(*opened)


def make_config(timeout: float | None, connections: int, given: Config | None) -> Any:
    """Return the configuration of the clients; a given one takes precedence.

    Args:
        timeout: Maximum duration of a call, in seconds; None leaves it to the driver.
        connections: Maximum number of connections per client.
        given: Configuration of the caller.
    """
    chosen: dict[str, Any] = (
        {} if timeout is None else {"connect_timeout": timeout / 4, "read_timeout": timeout}
    )
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    defaults: Any = AioConfig(max_pool_connections=connections, retries=retries, **chosen)
    if given is None:
        return defaults
    # `merge` keeps the aiohttp arguments of the first configuration.
    first: Any = given if isinstance(given, AioConfig) else AioConfig()
    return first.merge(defaults.merge(given))


def response_of(error: Any) -> Mapping[str, Any]:
    """Return the response of a `ClientError`."""
    return error.response


def code_of(error: ClientError) -> str:
    """Return the error code of DynamoDB."""
    return response_of(error).get("Error", {}).get("Code", "")


def was_sent_again(reply: Mapping[str, Any]) -> bool:
    """Return whether a request was sent several times, as clients passed in by the caller may do."""
    return reply.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def check_reply(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply if it is from DynamoDB.

    Raises:
        ForeignReplyError: The reply is not from DynamoDB. The driver treats any other body as an empty reply.
    """
    if "RequestId" not in reply.get("ResponseMetadata", {}):
        raise ForeignReplyError("the response has no request ID, so it is not from DynamoDB")
    return reply


def map_error(error: Exception, store: str, table: str) -> BaseKeyValueError | None:
    """Map a driver exception to a store error.

    Args:
        error: The exception.
        store: Representation of the store in messages.
        table: Table name.
    """
    message = f"{store}: {error or type(error).__name__}"
    if isinstance(error, ClientError):
        return _map_answer(error, message, table)
    if isinstance(error, ReadTimeoutError):
        return StoreTimeoutError(message=message)
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return StoreUnreachableError(message=message)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return StoreAuthenticationError(message=f"{store} has no valid credentials: {error}")
    if isinstance(error, _BROKEN):
        return StoreConnectionError(message=message)
    return KeyValueStoreError(message=message) if isinstance(error, BotoCoreError) else None


def _map_answer(error: ClientError, message: str, table: str) -> BaseKeyValueError:
    code = code_of(error)
    if code in THROTTLED:
        return StoreUnreachableError(
            message=f"DynamoDB throttled the request and did not process it: {message}"
        )
    if response_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return StoreConnectionError(message=message)
    kind = StoreAuthenticationError if code in _CREDENTIALS | _DENIED else KeyValueStoreError
    return kind(message=f"{_explanation(code, message, table)}{message}")


def _explanation(code: str, message: str, table: str) -> str:
    if code in _CREDENTIALS:
        return "The credentials have expired or are not valid: "
    if code in _DENIED:
        return "The credentials lack a permission: "
    if code == MISSING:
        return f"Table '{table}' does not exist. Either create the table manually or set auto_create=True. "
    if any(text in message for text in _OTHER_KEY):
        return f"Table '{table}' must have the keys `collection` and `key`, both strings: "
    return ""
