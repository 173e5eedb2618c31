"""The model: a dict of entries with expiries, and what it allows a store to answer at a given time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from key_value.aio.testing.clock import TOLERANCE

FOREVER = float("inf")


@dataclass(frozen=True)
class Call:
    """When a call to the store began and when it had ended; what it did, it did in between."""

    begun: float
    ended: float


@dataclass(frozen=True)
class _Entry:
    value: Mapping[str, Any]
    expires: bool
    alive_until: float
    gone_after: float


class Expectations:
    """What the entries of one collection have to be.

    An entry whose expiry falls into a call, or into the time that its own write took, may be there or not.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def write(self, key: str, value: Mapping[str, Any], ttl: float | None, call: Call) -> None:
        """Note what a call stored."""
        lifetime = FOREVER if ttl is None else ttl
        self._entries[key] = _Entry(
            value=value,
            expires=ttl is not None,
            alive_until=call.begun + lifetime - TOLERANCE,
            gone_after=call.ended + lifetime + TOLERANCE,
        )

    def touch(self, key: str, ttl: float | None, call: Call) -> None:
        """Note that a call gave an entry a new time to live."""
        self.write(key, self._entry(key).value, ttl, call)

    def forget(self, keys: Collection[str]) -> None:
        """Note what a call deleted."""
        for key in keys:
            self._entries.pop(key, None)

    def surely(self, keys: Collection[str], call: Call) -> set[str]:
        """Which of the keys are there during the whole of a call."""
        return {key for key in keys if self._entry(key).alive_until > call.ended}

    def possibly(self, keys: Collection[str], call: Call) -> set[str]:
        """Which of the keys are there for some moment of a call."""
        return {key for key in keys if self._entry(key).gone_after >= call.begun}

    def check(self, key: str, value: Mapping[str, Any] | None, call: Call) -> None:
        """Judge what a call read."""
        if value is None:
            assert not self.surely([key], call), f"{key!r} is missing"
        else:
            assert self.possibly([key], call), f"{key!r} should be missing, not {value!r}"
            assert value == self._entry(key).value, f"{key!r} holds another value"

    def check_left(self, key: str, value: Mapping[str, Any] | None, left: float | None) -> None:
        """Judge the seconds that what a call read has left."""
        expires = value is not None and self._entry(key).expires
        assert (left is not None) is expires, f"{key!r} has {left} seconds left"

    def all(self) -> set[str]:
        """Every key that was written and not deleted, expired or not."""
        return set(self._entries)

    def _entry(self, key: str) -> _Entry:
        return self._entries.get(key, _NOTHING)


_NOTHING = _Entry(value={}, expires=False, alive_until=-FOREVER, gone_after=-FOREVER)
