"""What a cache wrapper knows of the entries that it has read from its primary store."""

import time
from collections.abc import Callable
from typing import Any

from key_value.aio._utils.lru_map import LRUMap

Place = tuple[str, str]
"""A collection and a key."""

Found = tuple[dict[str, Any] | None, float | None]
"""A value and the seconds that it has left."""

ENTRIES = 10_000
"""How many entries are known at most; of others the primary store is asked."""

FOREVER = float("inf")


class Knowledge:
    """When entries expire in the primary store, and which ones are missing there."""

    def __init__(self, negative_ttl: float | None, clock: Callable[[], float] = time.time) -> None:
        """Know nothing yet.

        Args:
            negative_ttl: Seconds for which to believe that what was missing still is; None not to.
            clock: The present, in seconds.
        """
        self._negative_ttl = negative_ttl
        self._clock = clock
        self._expiries: LRUMap[Place, float] = LRUMap(ENTRIES)
        self._missing_until: LRUMap[Place, float] = LRUMap(ENTRIES)

    def learn(self, place: Place, found: Found) -> None:
        """Note what the primary store has."""
        value, seconds = found
        if value is not None:
            self._expiries.set(place, FOREVER if seconds is None else self._clock() + seconds)
        elif self._negative_ttl is not None:
            self._missing_until.set(place, self._clock() + self._negative_ttl)

    def forget(self, place: Place) -> None:
        """What was known of an entry holds no more."""
        self._expiries.forget(place)
        self._missing_until.forget(place)

    def clear(self) -> None:
        """Nothing that was known holds any more."""
        self._expiries.clear()
        self._missing_until.clear()

    def is_missing(self, place: Place) -> bool:
        """Whether the entry was missing a short while ago."""
        until = self._missing_until.get(place)
        return until is not None and until > self._clock()

    def left(self, place: Place) -> tuple[bool, float | None]:
        """Whether it is known when an entry expires, and the seconds that it has left; None for ever."""
        expiry = self._expiries.get(place)
        if expiry is None:
            return False, None
        return True, None if expiry == FOREVER else max(expiry - self._clock(), 0.0)
