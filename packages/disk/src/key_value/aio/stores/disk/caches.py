"""The caches of a store that are open, in its one thread."""

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from key_value.aio.stores.disk.cache import Cache

MAXIMUM_OPEN = 64
"""Caches that are open at a time; one that was not used for the longest time is closed for another."""

Opener: TypeAlias = Callable[[str, bool], Cache | None]
"""Opens the cache of a place, given whether to make it; None if there is none."""


class Caches:
    """Caches by the place that each is in, opened when they are used."""

    def __init__(self, opener: Opener) -> None:
        """Name them; none is opened.

        Args:
            opener: Opens them.
        """
        self._opener = opener
        self._open: OrderedDict[str, Cache] = OrderedDict()
        self._begun: set[str] = set()
        self._transactions: ExitStack | None = None

    def find(self, place: str, *, makes: bool = False) -> Cache | None:
        """Return the cache of a place, in a transaction if one was begun; None if there is no cache."""
        cache = self._open.get(place) or self._opener(place, makes)
        if cache is None:
            return None
        self._open[place] = cache
        self._open.move_to_end(place)
        if self._transactions is None:
            self._close_beyond(MAXIMUM_OPEN)
        elif place not in self._begun:
            self._begun.add(place)
            self._transactions.enter_context(cache.transaction())
        return cache

    @contextmanager
    def transaction(self, writes: bool) -> Generator[None]:
        """Keep all that is written to each cache, or nothing of it."""
        if not writes:
            yield
            return
        self._begun = set()
        try:
            with ExitStack() as self._transactions:
                if len(self._open) == 1:
                    # One that is locked is waited for once, not once for each of the jobs.
                    self.find(next(iter(self._open)))
                yield
        finally:
            self._transactions = None
            self._close_beyond(MAXIMUM_OPEN)

    def close(self) -> None:
        """Close all of them."""
        self._close_beyond(0)

    def _close_beyond(self, count: int) -> None:
        while len(self._open) > count:
            self._open.popitem(last=False)[1].close()
