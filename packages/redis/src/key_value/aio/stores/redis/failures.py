"""What redis-py's errors mean to an application."""

from collections.abc import Mapping

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError, StoreTimeoutError


def meaning(error: Exception) -> KeyValueStoreError | None:
    """The error to raise for one of redis-py's; None for any other."""
    if isinstance(error, RedisTimeoutError):
        return StoreTimeoutError(message=_text(error))
    # Being refused does not pass, though redis-py counts it among the connection errors.
    if isinstance(error, RedisConnectionError | ClusterDownError) and not isinstance(
        error, AuthenticationError | AuthorizationError
    ):
        return StoreConnectionError(message=_text(error))
    return KeyValueStoreError(message=_text(error)) if isinstance(error, RedisError) else None


def refused(failures: Mapping[str, Exception], keys: int) -> KeyValueStoreError:
    """The error to raise where some commands of a batch were refused, naming their keys."""
    first = next(iter(failures.values()))
    names = ", ".join(map(repr, failures))
    error = KeyValueStoreError(
        message=f"Redis refused {len(failures)} of {keys} keys: {first}", extra_info={"failed_keys": names}
    )
    error.__cause__ = first
    return error


def _text(error: Exception) -> str:
    return f"Redis: {error}"
