"""Errors that only wrappers raise."""

from key_value.aio.errors.key_value import EntryTooLargeError, EntryTooSmallError, KeyValueOperationError

__all__ = [
    "CorruptedDataError",
    "DecryptionError",
    "EncryptionError",
    "EncryptionVersionError",
    "EntryTooLargeError",
    "EntryTooSmallError",
    "ReadOnlyError",
]


class EncryptionError(KeyValueOperationError):
    """A value could not be encrypted."""


class DecryptionError(EncryptionError):
    """A value could not be decrypted."""


class CorruptedDataError(DecryptionError):
    """An encrypted value is malformed."""


class EncryptionVersionError(DecryptionError):
    """A value was encrypted in a format version that this version cannot read."""


class ReadOnlyError(KeyValueOperationError):
    """A write was attempted on a store that is wrapped as read-only."""

    def __init__(self, operation: str, collection: str | None = None, key: str | None = None) -> None:
        super().__init__(
            message="Write operation not allowed on read-only store.",
            extra_info={"operation": operation, "collection": collection or "default", "key": key or "N/A"},
        )
