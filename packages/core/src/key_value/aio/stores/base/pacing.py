"""Keeping large values from holding up the event loop.

To encode or decode 200 KB takes a millisecond or more, and fifty tasks may want it in one turn of the loop.
So each turn has room for so many characters; who finds none left waits for a later turn. Small values are not
counted.
"""

import asyncio
from collections import deque
from weakref import WeakKeyDictionary

SMALL = 16_384
"""Characters up to which a value is not counted."""

ROOM = 65_536
"""Characters after which a turn of the loop has no room left."""


class _Pace:
    """What one event loop has spent in this turn, and who waits for the next."""

    busy = 0
    """How many loops have spent anything in this turn: while it is 0 nobody needs to look further."""

    def __init__(self) -> None:
        self._spent = 0
        self._resting = True
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._spent >= ROOM or self._waiting:
            waiter = loop.create_future()
            self._waiting.append(waiter)
            await waiter

    def spend(self, characters: int, loop: asyncio.AbstractEventLoop) -> None:
        self._spent += characters
        if self._resting:
            self._resting = False
            _Pace.busy += 1
            loop.call_soon(self._next_turn, loop)

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._spent = 0
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                loop.call_soon(self._next_turn, loop)
                return
        self._resting = True
        _Pace.busy -= 1


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pace] = WeakKeyDictionary()


def is_busy() -> bool:
    """Whether a large value was handled in this turn, so that the next one should `wait_for_room`."""
    return _Pace.busy > 0


async def wait_for_room() -> None:
    """Wait for a turn of the event loop that has room for a large value."""
    loop = asyncio.get_running_loop()
    pace = _paces.get(loop)
    if pace is not None:
        await pace.wait(loop)


def spend(characters: int) -> None:
    """Count a value that was, or is about to be, encoded or decoded."""
    if characters > SMALL:
        loop = asyncio.get_running_loop()
        _paces.setdefault(loop, _Pace()).spend(characters, loop)
