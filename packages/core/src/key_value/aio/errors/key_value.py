"""Errors caused by the arguments or the value of one operation, not by the backend."""

from typing import Any

from key_value.aio.errors.base import BaseKeyValueError, ExtraInfoType

TTL = "a positive, finite number of seconds that ends before the year 10000"


class KeyValueOperationError(BaseKeyValueError):
    """An operation failed because of its arguments or its value."""


class SerializationError(KeyValueOperationError):
    """A value cannot be stored: it is not JSON, or the backend cannot hold it."""


class DeserializationError(KeyValueOperationError):
    """A stored value cannot be read. The entry exists: it is never reported as missing."""


class MissingKeyError(KeyValueOperationError):
    """A required key is missing."""

    def __init__(self, operation: str, collection: str | None = None, key: str | None = None) -> None:
        super().__init__(
            message="A key was requested that was required but not found in the store.",
            extra_info={"operation": operation, "collection": collection or "default", "key": key},
        )


class InvalidTTLError(KeyValueOperationError):
    """A time to live is not a positive, finite number of seconds."""

    def __init__(self, ttl: Any, extra_info: ExtraInfoType | None = None) -> None:
        super().__init__(message=f"ttl must be {TTL}, not {_shown(ttl)}")
        self.extra_info = {"ttl": str(ttl), **(extra_info or {})}


class InvalidKeyError(KeyValueOperationError):
    """A key or collection name cannot be used with this store."""


class _SizeError(KeyValueOperationError):
    """A size exceeds a limit."""

    description: str
    limit: str

    def __init__(self, size: int, bound: int, collection: str | None, key: str | None) -> None:
        super().__init__(
            message=self.description,
            extra_info={"size": size, self.limit: bound, "collection": collection or "default", "key": key},
        )


class ValueTooLargeError(_SizeError):
    """A value is larger than the backend can hold."""

    description = "Value size exceeds the maximum allowed size."
    limit = "max_size"

    def __init__(
        self, size: int, max_size: int, collection: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(size, max_size, collection, key)


class EntryTooLargeError(_SizeError):
    """A value is larger than its wrapper allows."""

    description = "Entry size exceeds the maximum allowed size."
    limit = "max_size"

    def __init__(
        self, size: int, max_size: int, collection: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(size, max_size, collection, key)


class EntryTooSmallError(_SizeError):
    """A value is smaller than its wrapper allows."""

    description = "Entry size is less than the minimum allowed size."
    limit = "min_size"

    def __init__(
        self, size: int, min_size: int, collection: str | None = None, key: str | None = None
    ) -> None:
        super().__init__(size, min_size, collection, key)


def _shown(ttl: Any) -> str:
    """Return a TTL as shown in an error: a short number, otherwise its type."""
    is_short = isinstance(ttl, float) or (type(ttl) is int and abs(ttl) < 10**15)
    kind = type(ttl).__name__
    return str(ttl) if is_short else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
