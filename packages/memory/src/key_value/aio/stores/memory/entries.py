"""The entries of a memory store: texts that expire, and in each collection the most recently used."""

import sys
import threading
import time
from collections import OrderedDict

from key_value.aio.stores.memory.expiries import Expiries

Entry = tuple[str, float | None, float | None]
"""A text, the second since 1970 at which it expires, and the end of its bucket among the expiries."""

DUE_PER_PUT = 8
"""Expired entries that each put removes at most: more than it adds, and few enough not to be noticed."""


class Entries:
    """Texts by collection and key, safe to use from several threads."""

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

    def get(self, collection: str, key: str) -> Entry | None:
        """The entry of a key that has not expired."""
        entries = self._collections.get(collection)
        entry = entries.get(key) if entries is not None else None
        if entry is None:
            return None
        if entry[1] is not None and entry[1] <= time.time():
            self.delete(collection, key)
            return None
        if isinstance(entries, OrderedDict):
            with self._lock:
                if key in entries:
                    entries.move_to_end(key)
        return entry

    def put(self, collection: str, key: str, text: str, ttl: float | None, expires: float | None) -> None:
        """Store a text in place of any that is there."""
        with self._lock:
            self._put(collection, key, text, ttl, expires)

    def put_if_absent(
        self, collection: str, key: str, text: str, ttl: float | None, expires: float | None
    ) -> bool:
        """Store a text unless the key has one that has not expired."""
        with self._lock:
            entry = self._collections.get(collection, {}).get(key)
            if entry is not None and (entry[1] is None or entry[1] > time.time()):
                return False
            self._put(collection, key, text, ttl, expires)
            return True

    def delete(self, collection: str, key: str) -> bool:
        """Remove an entry; True where it had not expired."""
        with self._lock:
            entry = self._remove(collection, key)
        return entry is not None and (entry[1] is None or entry[1] > time.time())

    def keys(self, collection: str) -> list[str]:
        """The keys of a collection that have not expired."""
        now = time.time()
        with self._lock:
            entries = self._collections.get(collection, {})
            return [key for key, entry in entries.items() if entry[1] is None or entry[1] > now]

    def collections(self) -> list[str]:
        """The collections that have entries."""
        with self._lock:
            return list(self._collections)

    def remove_collection(self, collection: str) -> bool:
        """Remove a collection; True where it was there."""
        with self._lock:
            entries = self._collections.pop(collection, None)
            for key, entry in (entries or {}).items():
                if entry[2] is not None:
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
                if entry[1] is not None and entry[1] <= now
            ]
            for collection, key in expired:
                self._remove(collection, key)

    def _put(self, collection: str, key: str, text: str, ttl: float | None, expires: float | None) -> None:
        for due in self._expiries.due(time.time(), DUE_PER_PUT):
            self._remove(*due)
        entries = self._collections.get(collection)
        if entries is None:
            entries = self._collections[collection] = OrderedDict() if self._bounded else {}
        replaced = entries.pop(key, None) if self._bounded else entries.get(key)
        if replaced is not None and replaced[2] is not None:
            self._expiries.discard(collection, key, replaced[2])
        if ttl is None or expires is None:
            entries[key] = (text, None, None)
        else:
            entries[key] = (text, expires, self._expiries.add(collection, key, ttl, expires))
        if len(entries) > self._max:
            self._remove(collection, next(iter(entries)))

    def _remove(self, collection: str, key: str) -> Entry | None:
        entries = self._collections.get(collection)
        entry = entries.pop(key, None) if entries is not None else None
        if entry is not None and entry[2] is not None:
            self._expiries.discard(collection, key, entry[2])
        if not entries:
            self._collections.pop(collection, None)
        return entry
