"""The entries of a memory store: values that expire, and in each collection the most recently used."""

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

from key_value.aio.stores.memory.expiries import Expiries
from key_value.aio.stores.memory.values import Packed

Expiring: TypeAlias = tuple[Packed, float, float]
"""A value, the second since 1970 at which it expires, and the end of its bucket among the expiries."""

Entry: TypeAlias = Packed | Expiring
"""A value by itself never expires."""

DUE_PER_PUT = 8
"""Expired entries that each put removes at most: more than it adds, and few enough not to be noticed."""


class Entries:
    """Values by collection and key, safe to use from several threads."""

    def __init__(self, max_per_collection: int) -> None:
        """Make it empty.

        Args:
            max_per_collection: Entries that a collection may have before it forgets the one least recently
                used.
        """
        self._max = max_per_collection
        self._bounded = max_per_collection < sys.maxsize
        self._collections: dict[str, dict[str, Entry]] = {}
        self._expiries = Expiries()
        self._lock = threading.Lock()

    def get(self, collection: str, key: str) -> tuple[Packed, float | None] | None:
        """The value of a key, and the second since 1970 at which it expires, unless it has."""
        entries = self._collections.get(collection)
        entry = entries.get(key) if entries is not None else None
        if entry is None:
            return None
        if isinstance(entries, OrderedDict):
            with self._lock:
                if key in entries:
                    entries.move_to_end(key)
        if not isinstance(entry, tuple):
            return entry, None
        if entry[1] <= time.time():
            with self._lock:
                # Another thread may have replaced it meanwhile.
                if self._collections.get(collection, {}).get(key) is entry:
                    self._remove(collection, key)
            return None
        return entry[0], entry[1]

    def put(
        self, collection: str, items: Iterable[tuple[str, Packed]], ttl: float | None, expires: float | None
    ) -> None:
        """Store values by key, in place of any that are there."""
        with self._lock:
            for key, packed in items:
                self._put(collection, key, packed, ttl, expires)

    def put_if_absent(
        self, collection: str, key: str, packed: Packed, ttl: float | None, expires: float | None
    ) -> bool:
        """Store a value unless the key has one that has not expired."""
        with self._lock:
            entry = self._collections.get(collection, {}).get(key)
            if entry is not None and not _has_expired(entry, time.time()):
                return False
            self._put(collection, key, packed, ttl, expires)
            return True

    def delete(self, collection: str, key: str) -> bool:
        """Remove an entry; True where it had not expired."""
        with self._lock:
            entry = self._remove(collection, key)
        return entry is not None and not _has_expired(entry, time.time())

    def keys(self, collection: str) -> list[str]:
        """The keys of a collection that have not expired."""
        now = time.time()
        with self._lock:
            entries = self._collections.get(collection, {})
            return [key for key, entry in entries.items() if not _has_expired(entry, now)]

    def collections(self) -> list[str]:
        """The collections that have entries."""
        with self._lock:
            return list(self._collections)

    def remove_collection(self, collection: str) -> bool:
        """Remove a collection; True where it was there."""
        with self._lock:
            entries = self._collections.pop(collection, None)
            for key, entry in (entries or {}).items():
                if isinstance(entry, tuple):
                    self._expiries.discard(collection, key, entry[2])
        return entries is not None

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._collections.clear()
            self._expiries.clear()

    def cull(self) -> None:
        """Remove every entry that has expired."""
        now = time.time()
        with self._lock:
            expired = [
                (collection, key)
                for collection, entries in self._collections.items()
                for key, entry in entries.items()
                if _has_expired(entry, now)
            ]
            for collection, key in expired:
                self._remove(collection, key)

    def _put(
        self, collection: str, key: str, packed: Packed, ttl: float | None, expires: float | None
    ) -> None:
        if self._expiries.ends:
            for due in self._expiries.due(time.time(), DUE_PER_PUT):
                self._remove(*due)
        entries = self._collections.get(collection)
        if entries is None:
            entries = self._collections[collection] = OrderedDict() if self._bounded else {}
        replaced = entries.pop(key, None) if self._bounded else entries.get(key)
        if isinstance(replaced, tuple):
            self._expiries.discard(collection, key, replaced[2])
        if ttl is None or expires is None:
            entries[key] = packed
        else:
            entries[key] = packed, expires, self._expiries.add(collection, key, ttl, expires)
        if self._bounded and len(entries) > self._max:
            self._remove(collection, next(iter(entries)))

    def _remove(self, collection: str, key: str) -> Entry | None:
        entries = self._collections.get(collection)
        entry = entries.pop(key, None) if entries is not None else None
        if isinstance(entry, tuple):
            self._expiries.discard(collection, key, entry[2])
        if not entries:
            self._collections.pop(collection, None)
        return entry


def _has_expired(entry: Entry, now: float) -> bool:
    return isinstance(entry, tuple) and entry[1] <= now
