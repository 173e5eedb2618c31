"""Errors of a store or its backend, whatever the driver calls them; the driver's own error is the cause."""

from typing import ClassVar

from key_value.aio.errors.base import BaseKeyValueError


class KeyValueStoreError(BaseKeyValueError):
    """A store or its backend failed."""


class StoreConnectionError(KeyValueStoreError, ConnectionError):
    """The backend cannot be reached, or the connection to it broke.

    Attributes:
        nothing_was_sent: Whether it is certain that the operation did not reach the backend.
    """

    nothing_was_sent: ClassVar[bool] = False


class StoreUnreachableError(StoreConnectionError):
    """No connection to the backend could be made, and nothing was sent."""

    nothing_was_sent: ClassVar[bool] = True


class StoreTimeoutError(KeyValueStoreError, TimeoutError):
    """The backend did not answer in time."""


class StoreAuthenticationError(KeyValueStoreError):
    """The backend refuses the credentials, or they lack a permission. Trying again does not help."""


class OutcomeUnknownError(KeyValueStoreError):
    """The answer to a conditional write was lost: it may have happened or not. Read the entry to find out."""


class StoreClosedError(KeyValueStoreError):
    """The store was closed before it was used. `async with store` opens it again."""


class StoreSetupError(KeyValueStoreError):
    """A store or collection could not be set up. The next call tries again."""


class StoreSetupAuthenticationError(StoreSetupError, StoreAuthenticationError):
    """A store could not be set up because its backend refuses the credentials."""


class StoreSetupConnectionError(StoreSetupError, StoreConnectionError):
    """A store could not be set up because its backend cannot be reached."""

    nothing_was_sent: ClassVar[bool] = True


class StoreSetupTimeoutError(StoreSetupError, StoreTimeoutError):
    """A store could not be set up because its backend did not answer in time."""

    nothing_was_sent: ClassVar[bool] = True


class StoreURLError(KeyValueStoreError, ValueError):
    """A URL names no store that can be created; the message repeats nothing of it that may be secret."""


class PathSecurityError(KeyValueStoreError):
    """A name would lead out of the directory that the store owns."""
