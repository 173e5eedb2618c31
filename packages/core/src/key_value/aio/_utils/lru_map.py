"""A mapping of limited size."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRUMap(Generic[K, V]):
    """A mapping that drops the least recently set key when it exceeds its size."""

    def __init__(self, size: int) -> None:
        """Create an empty mapping.

        Args:
            size: Maximum number of keys.
        """
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None if it is missing."""
        return self._items.get(key)

    def set(self, key: K, value: V) -> None:
        """Set the value of a key."""
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._size:
            self._items.popitem(last=False)

    def discard(self, key: K) -> None:
        """Remove a key if it is present."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Remove all keys."""
        self._items.clear()
