"""An index of entries by expiry time, to remove them without a search through all others."""

import heapq
import math
from collections.abc import Iterator
from typing import TypeAlias

FINEST = 1 / 1024
"""Minimum width of a bucket in seconds."""

Bucket: TypeAlias = tuple[float, float]
"""The end of a bucket as a Unix time in seconds, and its width in seconds."""


class ExpiryIndex:
    """Keys in time buckets, each at most an eighth of a TTL wide.

    Recording, moving and discarding a key take constant time, however many keys there are: each TTL has about
    a dozen buckets. A heap of entries would be simpler, but would keep deleted entries until their expiry
    time.
    """

    def __init__(self) -> None:
        self._keys: dict[Bucket, dict[str, set[str]]] = {}
        self._ends: list[Bucket] = []

    def record(self, collection: str, key: str, ttl: float, expires: float) -> Bucket:
        """Record when a key expires, and return its bucket, to be passed to `discard`.

        Args:
            collection: Collection of the key.
            key: The key.
            ttl: TTL in seconds.
            expires: Expiry time as a Unix time in seconds.
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
        """Remove a key; an empty bucket is kept until its end."""
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
        """Remove and yield the keys of buckets that have ended, as long as the caller iterates."""
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
        """Return the keys of buckets that have begun but not ended; some of them have expired."""
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
        """Return the number of buckets."""
        return len(self._ends)
