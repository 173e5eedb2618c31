"""The model: a dict of entries with expiry times, and the results it allows at a given time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from key_value.aio.testing.clock import TOLERANCE

FOREVER = float("inf")


@dataclass(frozen=True)
class Call:
    """The start and end time of a call to the store, between which it took effect."""

    begun: float
    ended: float


@dataclass(frozen=True)
class _Entry:
    value: Mapping[str, Any]
    expires: bool
    alive_until: float
    gone_after: float


class Expectations:
    """The expected entries of one collection.

    An entry that expires during a call, or during its own write, may or may not be present.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def write(self, key: str, value: Mapping[str, Any], ttl: float | None, call: Call) -> None:
        """Record an entry that a call stored."""
        lifetime = FOREVER if ttl is None else ttl
        self._entries[key] = _Entry(
            value=value,
            expires=ttl is not None,
            alive_until=call.begun + lifetime - TOLERANCE,
            gone_after=call.ended + lifetime + TOLERANCE,
        )

    def touch(self, key: str, ttl: float | None, call: Call) -> None:
        """Record that a call gave an entry a new TTL."""
        self.write(key, self._entry(key).value, ttl, call)

    def forget(self, keys: Collection[str]) -> None:
        """Record that a call deleted entries."""
        for key in keys:
            self._entries.pop(key, None)

    def surely(self, keys: Collection[str], call: Call) -> set[str]:
        """Return the keys that are present during the whole call."""
        return {key for key in keys if self._entry(key).alive_until > call.ended}

    def possibly(self, keys: Collection[str], call: Call) -> set[str]:
        """Return the keys that are present at some time during the call."""
        return {key for key in keys if self._entry(key).gone_after >= call.begun}

    def check(self, key: str, value: Mapping[str, Any] | None, call: Call) -> None:
        """Check the value that a call read."""
        if value is None:
            assert not self.surely([key], call), f"{key!r} is missing"
        else:
            assert self.possibly([key], call), f"{key!r} should be missing, not {value!r}"
            assert value == self._entry(key).value, f"{key!r} holds another value"

    def check_left(self, key: str, value: Mapping[str, Any] | None, left: float | None) -> None:
        """Check the remaining TTL that a call read, in seconds."""
        expires = value is not None and self._entry(key).expires
        assert (left is not None) is expires, f"{key!r} has {left} seconds left"

    def all(self) -> set[str]:
        """Return every key that was written and not deleted, expired or not."""
        return set(self._entries)

    def _entry(self, key: str) -> _Entry:
        return self._entries.get(key, _NOTHING)


_NOTHING = _Entry(value={}, expires=False, alive_until=-FOREVER, gone_after=-FOREVER)
