"""The entries of a memory store: values that expire, and an LRU limit for each collection."""

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from itertools import count, islice
from typing import NamedTuple, TypeAlias

from key_value.aio.stores.base import Listed
from key_value.aio.stores.memory.expiry_index import Bucket, ExpiryIndex

Snapshot: TypeAlias = bytes | str


class Expiring(NamedTuple):
    """A value with an expiry time."""

    value: Snapshot
    expires: float
    """Expiry time as a Unix time in seconds."""
    bucket: Bucket


Entry: TypeAlias = Snapshot | Expiring
"""A bare value never expires."""

DUE_PER_PUT = 8
"""Maximum number of expired entries removed by a put: more than it adds, yet few enough to go unnoticed."""


class Entries:
    """Values by collection and key; thread-safe, and each method takes a bounded time."""

    def __init__(self, max_per_collection: int) -> None:
        """Initialize an empty mapping.

        Args:
            max_per_collection: Maximum number of entries per collection, beyond which the least recently used
                one is dropped.
        """
        self._max = max_per_collection
        self._bounded = max_per_collection < sys.maxsize
        self._collections: dict[str, dict[str, Entry]] = {}
        self._expiries = ExpiryIndex()
        self._versions: dict[tuple[str, str], str] = {}
        """Versions that were returned to callers, for entries that have not changed since."""
        self._new_versions = count(1)
        self._lock = threading.Lock()

    def get(self, collection: str, key: str) -> tuple[Snapshot, float | None] | None:
        """Return the value of a key and its expiry time as a Unix time; None if missing or expired."""
        entries = self._collections.get(collection)
        entry = entries.get(key) if entries is not None else None
        if entry is None:
            return None
        if isinstance(entries, OrderedDict):
            with self._lock:
                if key in entries:
                    entries.move_to_end(key)
        if not isinstance(entry, Expiring):
            return entry, None
        if entry.expires <= time.time():
            with self._lock:
                # Another thread may have replaced it in the meantime.
                if self._collections.get(collection, {}).get(key) is entry:
                    self._remove(collection, key)
            return None
        return entry.value, entry.expires

    def get_versioned(self, collection: str, key: str) -> tuple[Snapshot, float | None, str] | None:
        """Return the value of a key, its expiry time and its version; None if missing or expired."""
        with self._lock:
            entry = self._unexpired(collection, key)
            if entry is None:
                return None
            version = self._versions.get((collection, key))
            if version is None:
                version = self._versions[collection, key] = str(next(self._new_versions))
        if isinstance(entry, Expiring):
            return entry.value, entry.expires, version
        return entry, None, version

    def put(
        self,
        collection: str,
        items: Iterable[tuple[str, Snapshot]],
        ttl: float | None,
        expires: float | None,
    ) -> None:
        """Store or replace values by key."""
        with self._lock:
            for key, value in items:
                self._put(collection, key, value, ttl, expires)

    def put_if(
        self,
        collection: str,
        key: str,
        value: Snapshot,
        ttl: float | None,
        expires: float | None,
        version: str | None,
    ) -> str | None:
        """Store a value if the key has the version, or is absent if None; return the new version, or None."""
        with self._lock:
            if not self._matches(collection, key, version):
                return None
            self._put(collection, key, value, ttl, expires)
            new = self._versions[collection, key] = str(next(self._new_versions))
            return new

    def delete_if(self, collection: str, key: str, version: str) -> bool:
        """Remove an entry if it has the version; return whether it was removed."""
        with self._lock:
            return self._matches(collection, key, version) and self._remove(collection, key) is not None

    def take(self, collection: str, key: str) -> tuple[Snapshot, float | None] | None:
        """Remove an entry and return its value and expiry time; None if missing or expired."""
        with self._lock:
            unexpired = self._unexpired(collection, key)
            self._remove(collection, key)
        if isinstance(unexpired, Expiring):
            return unexpired.value, unexpired.expires
        return None if unexpired is None else (unexpired, None)

    def keys(self, collection: str) -> list[str]:
        """Return all keys of a collection, including expired ones."""
        with self._lock:
            return list(self._collections.get(collection, ()))

    def unexpired_keys(self, collection: str, limit: int) -> list[str]:
        """Return at most `limit` unexpired keys of a collection."""
        now = time.time()
        with self._lock:
            entries = self._collections.get(collection, {})
            unexpired = (key for key, entry in entries.items() if not _has_expired(entry, now))
            return list(islice(unexpired, limit))

    def listed(self, collection: str, keys: Iterable[str]) -> list[Listed]:
        """Return the given keys that have an entry, including expired ones."""
        entries = self._collections.get(collection, {})
        found = ((key, entries.get(key)) for key in keys)
        return [
            Listed(collection, key, entry.expires if isinstance(entry, Expiring) else None)
            for key, entry in found
            if entry is not None
        ]

    def collections(self, limit: int | None = None) -> list[str]:
        """Return the collections that have entries."""
        with self._lock:
            return list(islice(self._collections, limit))

    def remove_collection(self, collection: str) -> dict[str, Entry]:
        """Remove a collection and return its contents, which the caller frees."""
        with self._lock:
            self._expiries.discard_collection(collection)
            self._versions.clear()
            return self._collections.pop(collection, {})

    def remove_due(self, limit: int) -> bool:
        """Remove some entries that expired a while ago; return whether there may be more."""
        now = time.time()
        with self._lock:
            return self._remove_some(islice(self._expiries.due(now), limit), now) == limit

    def begun(self) -> list[tuple[str, str]]:
        """Return collections and keys, some of which have only just expired."""
        with self._lock:
            return self._expiries.begun(time.time())

    def remove_expired(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove the given entries that have expired."""
        with self._lock:
            self._remove_some(keys, time.time())

    def _remove_some(self, keys: Iterable[tuple[str, str]], now: float) -> int:
        seen = 0
        for collection, key in keys:
            seen += 1
            if _has_expired(self._collections.get(collection, {}).get(key), now):
                self._remove(collection, key)
        return seen

    def _matches(self, collection: str, key: str, version: str | None) -> bool:
        if self._unexpired(collection, key) is None:
            return version is None
        return version is not None and self._versions.get((collection, key)) == version

    def _unexpired(self, collection: str, key: str) -> Entry | None:
        entry = self._collections.get(collection, {}).get(key)
        return None if _has_expired(entry, time.time()) else entry

    def _put(
        self, collection: str, key: str, value: Snapshot, ttl: float | None, expires: float | None
    ) -> None:
        if self._expiries:
            now = time.time()
            self._remove_some(islice(self._expiries.due(now), DUE_PER_PUT), now)
        entries = self._collections.get(collection)
        if entries is None:
            entries = self._collections[collection] = OrderedDict() if self._bounded else {}
        replaced = entries.pop(key, None) if self._bounded else entries.get(key)
        if isinstance(replaced, Expiring):
            self._expiries.discard(collection, key, replaced.bucket)
        if self._versions:
            self._versions.pop((collection, key), None)
        if ttl is None or expires is None:
            entries[key] = value
        else:
            entries[key] = Expiring(value, expires, self._expiries.record(collection, key, ttl, expires))
        if self._bounded and len(entries) > self._max:
            self._remove(collection, next(iter(entries)))

    def _remove(self, collection: str, key: str) -> Entry | None:
        entries = self._collections.get(collection)
        entry = entries.pop(key, None) if entries is not None else None
        if isinstance(entry, Expiring):
            self._expiries.discard(collection, key, entry.bucket)
        if self._versions:
            self._versions.pop((collection, key), None)
        if not entries:
            self._collections.pop(collection, None)
        return entry


def _has_expired(entry: Entry | None, now: float) -> bool:
    return isinstance(entry, Expiring) and entry.expires <= now
