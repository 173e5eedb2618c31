"""One of something for each event loop, for drivers whose clients belong to a loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from key_value.aio.errors import StoreClosedError

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Makes one thing for each event loop that asks, and closes it when that loop ends or when told to."""

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        """Say what to make.

        Args:
            make: Makes one; called in the loop that it is for.
            close: Closes one, in the same loop.
        """
        self._make = make
        self._close = close
        self._made: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[None]]] = {}
        self._closed = True
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make what is asked for from now on."""
        self._closed = False

    def get(self) -> T:
        """The one of the running event loop.

        Raises:
            StoreClosedError: It is not open.
        """
        loop = asyncio.get_running_loop()
        made = self._made.get(loop)
        return self._add(loop) if made is None else made[0]

    async def close(self) -> None:
        """Close all, each in its own loop."""
        with self._lock:
            self._closed = True
            made, self._made = self._made, {}
        here = asyncio.get_running_loop()
        for loop, (_, guard) in made.items():
            if loop is here:
                await guard.aclose()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(guard.aclose(), loop))

    def _add(self, loop: asyncio.AbstractEventLoop) -> T:
        with self._lock:
            if self._closed:
                raise StoreClosedError(message="The store is closed")
            for other in [other for other in self._made if other.is_closed()]:
                del self._made[other]
            made = self._make()
            guard = self._guard(made)
            # Begun in this way, it is known to the loop, which closes it before it ends.
            with suppress(StopIteration):
                guard.asend(None).send(None)
            self._made[loop] = made, guard
            return made

    async def _guard(self, made: T) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._close(made)
