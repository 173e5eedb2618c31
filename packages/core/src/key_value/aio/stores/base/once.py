"""Something that is done once, whoever asks for it first."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar

_doing: ContextVar[tuple["Once", ...]] = ContextVar("_doing", default=())


class _InterruptedError(Exception):
    """The event loop in which it was attempted has ended; another may attempt it."""


class Once:
    """Does one thing successfully once, for tasks of any event loop in any thread.

    The work runs in a task of its own, so that a caller who is cancelled stops waiting and harms no other.
    What fails is told to all who wait, and tried again for the next who asks. The work may itself ask for
    what it is doing.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        """Say what is to be done.

        Args:
            work: What to await, again after a failure.
        """
        self._work = work
        self._lock = threading.Lock()
        self._attempt: concurrent.futures.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.done = False

    async def ensure(self) -> None:
        """Wait until it is done.

        Raises:
            Exception: What the work raised, the same object for all who waited for that attempt.
        """
        while not self.done and self not in _doing.get():
            with suppress(_InterruptedError):
                await asyncio.shield(asyncio.wrap_future(self._join()))

    async def rest(self) -> None:
        """Wait until nobody is at it, whatever came of it."""
        attempt = self._attempt
        if attempt is not None and self not in _doing.get():
            await asyncio.wait([asyncio.wrap_future(attempt)])
            # It is raised to those who asked for it.
            attempt.exception()

    def _join(self) -> "concurrent.futures.Future[None]":
        with self._lock:
            if self._attempt is None:
                self._attempt = concurrent.futures.Future()
                self._task = asyncio.create_task(self._perform(self._attempt))
            return self._attempt

    async def _perform(self, attempt: "concurrent.futures.Future[None]") -> None:
        _doing.set((*_doing.get(), self))
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001  -- raised to all who wait
            self._end()
            attempt.set_exception(error)
        except BaseException:
            self._end()
            attempt.set_exception(_InterruptedError())
            raise
        else:
            self.done = True
            self._end()
            attempt.set_result(None)

    def _end(self) -> None:
        with self._lock:
            self._attempt = None
            self._task = None
