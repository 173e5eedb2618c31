"""Errors of a store or its backend, the same for every driver. The driver's own error is the cause."""

from typing import ClassVar

from key_value.aio.errors.base import BaseKeyValueError


class KeyValueStoreError(BaseKeyValueError):
    """A store or its backend failed."""


class StoreConnectionError(KeyValueStoreError, ConnectionError):
    """The backend cannot be reached, or the connection to it was lost.

    Attributes:
        nothing_was_sent: Whether the operation certainly did not reach the backend.
    """

    nothing_was_sent: ClassVar[bool] = False


class StoreUnreachableError(StoreConnectionError):
    """No connection to the backend could be made, so nothing was sent."""

    nothing_was_sent: ClassVar[bool] = True


class StoreTimeoutError(KeyValueStoreError, TimeoutError):
    """The backend did not respond in time."""


class StoreAuthenticationError(KeyValueStoreError):
    """The backend rejects the credentials, or they lack a permission. Retrying does not help."""


class OutcomeUnknownError(KeyValueStoreError):
    """The reply to a conditional write was lost: it may have happened or not; read the entry to find out."""


class StoreClosedError(KeyValueStoreError):
    """The store was used after it was closed. `async with store` opens it again."""


class StoreSetupError(KeyValueStoreError):
    """A store or collection could not be set up. The next call tries again."""


class StoreSetupAuthenticationError(StoreSetupError, StoreAuthenticationError):
    """A store could not be set up because its backend rejects the credentials."""


class StoreSetupConnectionError(StoreSetupError, StoreConnectionError):
    """A store could not be set up because its backend cannot be reached."""

    nothing_was_sent: ClassVar[bool] = True


class StoreSetupTimeoutError(StoreSetupError, StoreTimeoutError):
    """A store could not be set up because its backend did not respond in time."""

    nothing_was_sent: ClassVar[bool] = True


class StoreURLError(KeyValueStoreError, ValueError):
    """A URL does not describe a store that can be created. The message omits any part that may be secret."""


class PathSecurityError(KeyValueStoreError):
    """A name would resolve to a path outside the directory that the store owns."""
