"""Locks by name, granted in order of arrival, for tasks of any event loop in any thread."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Hashable, Iterable
from types import TracebackType
from weakref import WeakKeyDictionary, WeakSet


class NamedLocks:
    """Locks that are created when a name is first held, and dropped when it is no longer held or awaited.

    In a forked child all locks are free, since the tasks of the parent do not run there.
    """

    def __init__(self) -> None:
        self.reset()
        _all_locks.add(self)

    def reset(self) -> None:
        """Drop all locks."""
        # A garbage-collected coroutine leaves its queues: possibly on any line, even while this thread holds
        # the lock.
        self._mutex = threading.RLock()
        self._queues: dict[Hashable, deque[Hold]] = {}

    def hold(self, names: Iterable[Hashable]) -> "Hold":
        """Hold several names in an `async with`, which returns whether it had to wait for any of them.

        A hold enters the queues of all its names at once, and begins when it is first in each. So holds of
        the same name begin in order of arrival, and no two holds can wait for each other.
        """
        return Hold(self, names)

    def enter(self, hold: "Hold") -> bool:
        """Append a hold to the queues of its names, and return whether it must wait."""
        with self._mutex:
            for name in hold.names:
                queue = self._queues.setdefault(name, deque())
                if queue:
                    hold.ahead += 1
                queue.append(hold)
            return hold.ahead > 0

    def leave(self, hold: "Hold") -> None:
        """Remove a hold from the queues, and start the holds that are now first."""
        with self._mutex:
            leaving = [hold]
            while leaving:
                leaving += self._remove(leaving.pop())

    def _remove(self, hold: "Hold") -> list["Hold"]:
        """Remove a hold; return the holds that were due to begin, but whose event loop has been closed."""
        abandoned: list[Hold] = []
        for name in hold.names:
            queue = self._queues.get(name)
            if queue is None or hold not in queue:
                continue
            was_first = queue[0] is hold
            queue.remove(hold)
            if not queue:
                del self._queues[name]
            elif was_first and not queue[0].advance():
                abandoned.append(queue[0])
        return abandoned


class Hold:
    """Names that are held while the block runs."""

    def __init__(self, locks: NamedLocks, names: Iterable[Hashable]) -> None:
        self.names = frozenset(names)
        self.ahead = 0
        self._locks = locks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun: asyncio.Future[None] | None = None

    def advance(self) -> bool:
        """Record that this is now first in one more queue; return False if its event loop has been closed."""
        self.ahead -= 1
        if self.ahead or self._loop is None:
            return True
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:
            return False
        return True

    def _begin(self) -> None:
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(None)

    async def __aenter__(self) -> bool:
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.create_future()
        if not self._locks.enter(self):
            return False
        try:
            await self._begun
        except BaseException:
            self._locks.leave(self)
            raise
        return True

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._locks.leave(self)


_all_locks: WeakSet[NamedLocks] = WeakSet()


def _reset_all() -> None:
    for locks in _all_locks:
        locks.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)


_of_objects: WeakKeyDictionary[object, NamedLocks] = WeakKeyDictionary()


def locks_of(owner: object) -> NamedLocks:
    """Return the locks that belong to an object; the same at each call if the object can be tracked."""
    try:
        return _of_objects.setdefault(owner, NamedLocks())
    except TypeError:
        return NamedLocks()
