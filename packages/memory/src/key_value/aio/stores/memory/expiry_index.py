"""Which entries expire when, to remove them without looking at all others."""

import heapq
import math
from collections.abc import Iterator
from typing import TypeAlias

FINEST = 1 / 1024
"""Seconds that a bucket spans at least."""

Bucket: TypeAlias = tuple[float, float]
"""The end of a span of time, in seconds since 1970, and its width in seconds."""


class ExpiryIndex:
    """Keys in buckets of time, each an eighth of a time to live wide or less.

    To record, move and discard a key takes the same time however many there are: the buckets of one time to
    live are a dozen. A heap of entries would be simpler, but keep those that are deleted until their time has
    come.
    """

    def __init__(self) -> None:
        self._keys: dict[Bucket, dict[str, set[str]]] = {}
        self._ends: list[Bucket] = []

    def record(self, collection: str, key: str, ttl: float, expires: float) -> Bucket:
        """Record when a key expires, and return its bucket, which `discard` takes.

        Args:
            collection: Its collection.
            key: The key.
            ttl: Seconds that it lives.
            expires: When it expires, in seconds since 1970.
        """
        width = max(math.ldexp(1.0, math.frexp(ttl)[1] - 4), FINEST)
        bucket = math.ceil(expires / width) * width, width
        collections = self._keys.get(bucket)
        if collections is None:
            collections = self._keys[bucket] = {}
            heapq.heappush(self._ends, bucket)
        keys = collections.get(collection)
        if keys is None:
            keys = collections[collection] = set()
        keys.add(key)
        return bucket

    def discard(self, collection: str, key: str, bucket: Bucket) -> None:
        """Remove a key; a bucket stays, empty, until its end."""
        collections = self._keys.get(bucket, {})
        keys = collections.get(collection)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del collections[collection]

    def discard_collection(self, collection: str) -> None:
        """Remove all keys of a collection."""
        for collections in self._keys.values():
            collections.pop(collection, None)

    def due(self, now: float) -> Iterator[tuple[str, str]]:
        """Take the keys out whose buckets have ended, as long as more are wanted."""
        while self._ends and self._ends[0][0] <= now:
            collections = self._keys[self._ends[0]]
            if not collections:
                del self._keys[heapq.heappop(self._ends)]
                continue
            collection = next(iter(collections))
            keys = collections[collection]
            yield collection, keys.pop()
            if not keys:
                collections.pop(collection, None)

    def begun(self, now: float) -> list[tuple[str, str]]:
        """Return the keys whose buckets have begun and not ended: some of them have expired."""
        return [
            (collection, key)
            for (end, width), collections in self._keys.items()
            if end - width <= now < end
            for collection, keys in collections.items()
            for key in keys
        ]

    def clear(self) -> None:
        """Remove all keys."""
        self._keys.clear()
        self._ends.clear()

    def __len__(self) -> int:
        """How many buckets there are."""
        return len(self._ends)
