"""Which entries expire when, to forget them without looking at all the others."""

import heapq
import math
from collections.abc import Iterator

FINEST = 1 / 1024
"""Seconds that a bucket spans at least."""


class Expiries:
    """Keys in buckets of time, each bucket an eighth of a time to live or less.

    To add, move and remove a key takes the same time however many there are, since the buckets of one time to
    live are a dozen. A key is due when its bucket has ended, which is up to an eighth of its time to live
    after it expired.

    Attributes:
        ends: When each bucket ends, and the collection that it is of; a heap.
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[float, str], set[str]] = {}
        self.ends: list[tuple[float, str]] = []

    def add(self, collection: str, key: str, ttl: float, expires: float) -> float:
        """Note when a key expires.

        Args:
            collection: Its collection.
            key: The key.
            ttl: Seconds that it lives.
            expires: Seconds since 1970 at which it expires.

        Returns:
            The end of its bucket, by which to `discard` it.
        """
        width = max(math.ldexp(1.0, math.frexp(ttl)[1] - 4), FINEST)
        end = math.ceil(expires / width) * width
        bucket = self._buckets.get((end, collection))
        if bucket is None:
            bucket = self._buckets[end, collection] = set()
            heapq.heappush(self.ends, (end, collection))
        bucket.add(key)
        return end

    def discard(self, collection: str, key: str, end: float) -> None:
        """Forget a key."""
        bucket = self._buckets.get((end, collection))
        if bucket is not None:
            bucket.discard(key)

    def due(self, now: float, limit: int) -> Iterator[tuple[str, str]]:
        """Take out the collection and key of what is due, so many at most."""
        while limit > 0 and self.ends and self.ends[0][0] <= now:
            bucket = self._buckets[self.ends[0]]
            if not bucket:
                del self._buckets[heapq.heappop(self.ends)]
                continue
            limit -= 1
            yield self.ends[0][1], bucket.pop()

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self.ends)

    def clear(self) -> None:
        """Forget all keys."""
        self._buckets.clear()
        self.ends.clear()
