"""Record when entries read from a primary store expire."""

import time
from collections.abc import Callable
from typing import Any

from key_value.aio._utils.lru_map import LRUMap

Address = tuple[str | None, str]
"""A collection and a key; the collection is None only if its name is not known."""

ValueAndTTL = tuple[dict[str, Any] | None, float | None]
"""A value and its remaining seconds."""

ENTRIES = 10_000
"""Maximum number of entries to record; for others the primary store is read."""

FOREVER = float("inf")


class ExpiryIndex:
    """A record of when entries expire in the primary store, and which ones are missing there."""

    def __init__(self, negative_ttl: float | None, clock: Callable[[], float] = time.time) -> None:
        """Initialize without entries.

        Args:
            negative_ttl: Seconds during which a missing entry is assumed to stay missing; None disables this.
            clock: Function that returns the current time, in seconds.
        """
        self._negative_ttl = negative_ttl
        self._clock = clock
        self._expiries: LRUMap[Address, float] = LRUMap(ENTRIES)
        self._missing_until: LRUMap[Address, float] = LRUMap(ENTRIES)

    def record(self, address: Address, found: ValueAndTTL) -> None:
        """Record a result of the primary store."""
        value, seconds = found
        if value is not None:
            self._expiries.set(address, FOREVER if seconds is None else self._clock() + seconds)
        elif self._negative_ttl is not None:
            self._missing_until.set(address, self._clock() + self._negative_ttl)

    def discard(self, address: Address) -> None:
        """Discard an entry."""
        self._expiries.discard(address)
        self._missing_until.discard(address)

    def clear(self) -> None:
        """Discard all entries."""
        self._expiries.clear()
        self._missing_until.clear()

    def is_missing(self, address: Address) -> bool:
        """Return whether the entry was recently missing."""
        until = self._missing_until.get(address)
        return until is not None and until > self._clock()

    def left(self, address: Address) -> tuple[bool, float | None]:
        """Return whether an entry's expiry is known, and its remaining seconds; None means without expiry."""
        expiry = self._expiries.get(address)
        if expiry is None:
            return False, None
        return True, None if expiry == FOREVER else max(expiry - self._clock(), 0.0)
