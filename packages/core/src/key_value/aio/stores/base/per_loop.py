"""One of something for each event loop, for drivers whose clients belong to a loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Makes one thing for each event loop that asks for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Say what to make.

        Args:
            make: Makes one; called in the loop that it is for.
        """
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}
        self._lock = threading.Lock()

    def get(self) -> T:
        """The one of the running event loop."""
        loop = asyncio.get_running_loop()
        made = self._made.get(loop)
        return self._add(loop) if made is None else made

    async def close(self, close: Callable[[T], Awaitable[None]]) -> None:
        """Close all, each in its own loop.

        What belongs to a loop that has ended cannot be closed any more, and is let go.

        Args:
            close: Closes one.
        """
        with self._lock:
            made, self._made = self._made, {}
        here = asyncio.get_running_loop()
        for loop, one in made.items():
            if loop is here:
                await close(one)
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(close(one)), loop))

    def _add(self, loop: asyncio.AbstractEventLoop) -> T:
        with self._lock:
            for other in [other for other in self._made if other.is_closed()]:
                del self._made[other]
            made = self._made[loop] = self._make()
            return made


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
