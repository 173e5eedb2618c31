"""A mapping that keeps what was used most recently."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Remembers so many things at most, and forgets what was not set for the longest time."""

    def __init__(self, size: int) -> None:
        """Choose how many.

        Args:
            size: Things to remember at most.
        """
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What was set last."""
        return self._items.get(key)

    def set(self, key: K, value: V) -> None:
        """Remember something."""
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._size:
            self._items.popitem(last=False)

    def forget(self, key: K) -> None:
        """Do not remember it any more."""
        self._items.pop(key, None)

    def clear(self) -> None:
        """Remember nothing any more."""
        self._items.clear()
