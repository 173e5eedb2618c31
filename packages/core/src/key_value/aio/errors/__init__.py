"""Every error that the library raises; all derive from `BaseKeyValueError`."""

from key_value.aio import _missing_stores
from key_value.aio.errors.base import BaseKeyValueError, ExtraInfoType
from key_value.aio.errors.key_value import (
    DeserializationError,
    EntryTooLargeError,
    EntryTooSmallError,
    InvalidKeyError,
    InvalidTTLError,
    KeyValueOperationError,
    MissingKeyError,
    SerializationError,
    ValueTooLargeError,
)
from key_value.aio.errors.store import (
    KeyValueStoreError,
    OutcomeUnknownError,
    PathSecurityError,
    StoreAuthenticationError,
    StoreClosedError,
    StoreConnectionError,
    StoreSetupAuthenticationError,
    StoreSetupConnectionError,
    StoreSetupError,
    StoreSetupTimeoutError,
    StoreTimeoutError,
    StoreUnreachableError,
    StoreURLError,
)
from key_value.aio.errors.wrappers import (
    CorruptedDataError,
    DecryptionError,
    EncryptionError,
    EncryptionVersionError,
    ReadOnlyError,
)

__all__ = [
    "BaseKeyValueError",
    "CorruptedDataError",
    "DecryptionError",
    "DeserializationError",
    "EncryptionError",
    "EncryptionVersionError",
    "EntryTooLargeError",
    "EntryTooSmallError",
    "ExtraInfoType",
    "InvalidKeyError",
    "InvalidTTLError",
    "KeyValueOperationError",
    "KeyValueStoreError",
    "MissingKeyError",
    "OutcomeUnknownError",
    "PathSecurityError",
    "ReadOnlyError",
    "SerializationError",
    "StoreAuthenticationError",
    "StoreClosedError",
    "StoreConnectionError",
    "StoreSetupAuthenticationError",
    "StoreSetupConnectionError",
    "StoreSetupError",
    "StoreSetupTimeoutError",
    "StoreTimeoutError",
    "StoreURLError",
    "StoreUnreachableError",
    "ValueTooLargeError",
]

_missing_stores.install()
