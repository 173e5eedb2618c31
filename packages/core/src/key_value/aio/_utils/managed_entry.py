"""The entry: a value with its creation and expiry times."""

import math
import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from typing_extensions import Self, override

from key_value.aio._utils.arguments import are_strings
from key_value.aio._utils.json_codec import dumps, loads
from key_value.aio._utils.time_to_live import datetime_to_epoch, epoch_to_datetime, now_as_epoch, parse_epoch
from key_value.aio.errors import DeserializationError


class ManagedEntry:
    """A value and its times.

    Times are kept as seconds since 1970 and converted to datetimes only when they are read.

    Attributes:
        value: The application's value.
    """

    __slots__ = ("_created", "expires_epoch", "value")

    value: Mapping[str, Any]
    expires_epoch: float | None

    def __init__(
        self,
        *,
        value: Mapping[str, Any],
        created_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        self.value = value
        self._created: float | str | None = None if created_at is None else datetime_to_epoch(created_at)
        self.expires_epoch = None if expires_at is None else datetime_to_epoch(expires_at)

    @classmethod
    def from_epochs(
        cls, value: Mapping[str, Any], created: float | str | None = None, expires: float | None = None
    ) -> Self:
        """Create an entry from seconds since 1970; `created` may be ISO 8601 text, parsed on demand."""
        entry = cls.__new__(cls)
        entry.value = value
        entry._created = created
        entry.expires_epoch = expires
        return entry

    @classmethod
    def from_ttl(
        cls, *, value: Mapping[str, Any], created_at: datetime | None = None, ttl: float | None = None
    ) -> Self:
        """Create an entry that expires `ttl` seconds from now, or never if there is no `ttl`."""
        entry = cls(value=value, created_at=created_at)
        entry.expires_epoch = now_as_epoch() + ttl if ttl else None
        return entry

    @property
    def created_epoch(self) -> float | None:
        """Creation time in seconds since 1970; None if it is not known."""
        return parse_epoch(self._created) if isinstance(self._created, str) else self._created

    @property
    def created_at(self) -> datetime | None:
        """Creation time in UTC; None if it is not known."""
        return None if self.created_epoch is None else epoch_to_datetime(self.created_epoch)

    @created_at.setter
    def created_at(self, moment: datetime | None) -> None:
        self._created = None if moment is None else datetime_to_epoch(moment)

    @property
    def expires_at(self) -> datetime | None:
        """Expiry time in UTC; None if the entry never expires."""
        return None if self.expires_epoch is None else epoch_to_datetime(self.expires_epoch)

    @expires_at.setter
    def expires_at(self, moment: datetime | None) -> None:
        self.expires_epoch = None if moment is None else datetime_to_epoch(moment)

    @property
    def is_expired(self) -> bool:
        """Whether the entry has expired."""
        return self.expires_epoch is not None and self.expires_epoch <= time.time()

    @property
    def ttl(self) -> float | None:
        """Seconds until the entry expires, negative if it has expired; None if it never expires."""
        return None if self.expires_epoch is None else self.expires_epoch - time.time()

    @property
    def value_as_dict(self) -> dict[str, Any]:
        """A shallow copy of the value."""
        return verify_dict(self.value)

    @property
    def value_as_json(self) -> str:
        """The value as JSON text."""
        return dump_to_json(self.value_as_dict)

    @property
    def created_at_isoformat(self) -> str | None:
        """Creation time as ISO 8601 text."""
        if isinstance(self._created, str):
            return self._created
        return None if self._created is None else _isoformat(self._created)

    @property
    def expires_at_isoformat(self) -> str | None:
        """Expiry time as ISO 8601 text."""
        return None if self.expires_epoch is None else _isoformat(self.expires_epoch)

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ManagedEntry):
            return NotImplemented
        return (self.value, self.created_at, self.expires_at) == (
            other.value,
            other.created_at,
            other.expires_at,
        )

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] -- mutable, like a dataclass

    @override
    def __repr__(self) -> str:
        times = f"created_at={self.created_at!r}, expires_at={self.expires_at!r}"
        return f"ManagedEntry(value={self.value!r}, {times})"


@lru_cache(maxsize=64)
def _isoformat(epoch: float) -> str:
    """Return a time as text; cached, since the entries of a batch have the same times."""
    fraction, second = math.modf(epoch)
    microseconds = round(fraction * 1_000_000)
    if not 0 < microseconds < 1_000_000:
        return epoch_to_datetime(epoch).isoformat()
    return f"{_second(second)}.{microseconds:06}+00:00"


@lru_cache(maxsize=64)
def _second(epoch: float) -> str:
    """Return a whole second as text; cached, since entries stored in the same second share it."""
    return epoch_to_datetime(epoch).isoformat()[: len("2000-01-01T00:00:00")]


def verified(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dictionary with only string keys unchanged, and anything else through `verify_dict`."""
    if type(obj) is dict and are_strings(obj):  # pyright: ignore[reportUnknownArgumentType] -- as below
        return obj  # pyright: ignore[reportUnknownVariableType] -- its keys are strings
    return verify_dict(obj)


def verify_dict(obj: Any) -> dict[str, Any]:
    """Copy a mapping, checking that all of its keys are strings.

    Raises:
        TypeError: It is not a mapping, or a key is not a string.
    """
    if not isinstance(obj, Mapping):
        raise TypeError("Object is not a Mapping")
    copy: dict[Any, Any] = dict(obj)  # pyright: ignore[reportUnknownArgumentType] -- its types are what is asked here
    if not are_strings(copy):
        raise TypeError("Object contains non-string keys")
    return copy


def dump_to_json(obj: dict[str, Any]) -> str:
    """Return a dictionary as JSON text with sorted keys.

    Raises:
        SerializationError: It contains something that JSON cannot represent.
    """
    return dumps(obj)


def load_from_json(json_str: str | bytes) -> dict[str, Any]:
    """Return the dictionary of JSON text.

    Raises:
        DeserializationError: The text is not JSON, or not a JSON object.
    """
    obj = loads(json_str)
    if not isinstance(obj, dict):
        raise DeserializationError(message="Failed to deserialize JSON string: Object is not a Mapping")
    return obj  # pyright: ignore[reportUnknownVariableType] -- the keys of a JSON object are strings


def estimate_serialized_size(value: Mapping[str, Any]) -> int:
    """Return the size of a value as JSON text, in bytes."""
    return len(dump_to_json(dict(value)))
