"""Locks by name, for tasks of any event loop in any thread."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Hashable, Iterable
from types import TracebackType
from weakref import WeakKeyDictionary

_Turn = concurrent.futures.Future[None]


class NamedLocks:
    """Locks that need not be made: who holds a name holds its lock, and no memory is used for the others."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: dict[Hashable, _Turn] = {}

    def hold(self, names: Iterable[Hashable]) -> "Hold":
        """Hold several names in an `async with`, which says whether it had to wait for one.

        Whoever waits holds none of them yet, so that no two wait for each other.
        """
        return Hold(self, frozenset(names))

    def take(self, names: frozenset[Hashable], turn: _Turn) -> "_Turn | None":
        """Take all names, or none and return the turn of somebody who holds one."""
        with self._mutex:
            for name in names:
                if name in self._held:
                    return self._held[name]
            self._held.update(dict.fromkeys(names, turn))
            return None

    def give_back(self, names: frozenset[Hashable], turn: _Turn) -> None:
        """Let those go on who wait for this turn."""
        with self._mutex:
            for name in names:
                del self._held[name]
        turn.set_result(None)


class Hold:
    """Names that are held while the block runs."""

    def __init__(self, locks: NamedLocks, names: frozenset[Hashable]) -> None:
        self._locks = locks
        self._names = names
        self._turn: _Turn = concurrent.futures.Future()

    async def __aenter__(self) -> bool:
        waited = False
        while (other := self._locks.take(self._names, self._turn)) is not None:
            waited = True
            await asyncio.shield(asyncio.wrap_future(other))
        return waited

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._locks.give_back(self._names, self._turn)


_of_objects: WeakKeyDictionary[object, NamedLocks] = WeakKeyDictionary()


def locks_of(owner: object) -> NamedLocks:
    """The locks that belong to an object, the same for everybody who asks, where it can be kept track of."""
    try:
        return _of_objects.setdefault(owner, NamedLocks())
    except TypeError:
        return NamedLocks()
