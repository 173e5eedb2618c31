"""Work that is done once on behalf of all tasks that need it."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from key_value.aio._utils.tasks import start_task

_doing: ContextVar[tuple["Once", ...]] = ContextVar("_doing", default=())


class _InterruptedError(Exception):
    """The event loop of an attempt has ended; another loop may try."""


class _Attempt:
    def __init__(self, perform: "Callable[[_Attempt], Coroutine[Any, Any, None]]") -> None:
        self.result: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.loop = asyncio.get_running_loop()
        self._work = perform(self)
        self._task = start_task(self._work)

    @property
    def is_abandoned(self) -> bool:
        """Whether its event loop ended, or is not running, before there was a result."""
        return not self.result.done() and not self.loop.is_running()

    def abandon(self) -> None:
        """Clean up so that another attempt can start."""
        if self.loop.is_closed():
            # The task will never run again, and may not have started.
            self._work.close()


class Once:
    """Runs something successfully once, for tasks of any event loop in any thread.

    The work runs in a separate task, so that a cancelled caller stops waiting without affecting the others. A
    failure is raised to all waiting callers, and the next caller tries again. The work may itself await
    `ensure`.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        """Initialize with the work, which does not start yet.

        Args:
            work: Async function to run; it is run again after a failure.
        """
        self._work = work
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None
        self.done = False

    async def ensure(self) -> None:
        """Wait until the work is done.

        Raises:
            Exception: The exception of the work, the same object for all callers that waited for that
                attempt.
        """
        while not self.done and self not in _doing.get():
            with suppress(_InterruptedError):
                await asyncio.shield(asyncio.wrap_future(self._join()))

    async def rest(self) -> None:
        """Wait until no attempt is in progress, whatever its result."""
        attempt = self._attempt
        if attempt is None or self in _doing.get():
            return
        if attempt.is_abandoned:
            attempt.abandon()
        else:
            await asyncio.wait([asyncio.wrap_future(attempt.result)])
            attempt.result.exception()  # The callers of `ensure` raise it.

    def _join(self) -> "concurrent.futures.Future[None]":
        with self._lock:
            abandoned = self._attempt if self._attempt is not None and self._attempt.is_abandoned else None
            if self._attempt is None or abandoned is not None:
                self._attempt = _Attempt(self._perform)
            joined = self._attempt.result
        if abandoned is not None:
            abandoned.abandon()
            self._finish(abandoned, _InterruptedError())
        return joined

    async def _perform(self, attempt: _Attempt) -> None:
        _doing.set((*_doing.get(), self))
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001  -- raised to all that wait
            self._finish(attempt, error)
        except BaseException:
            self._finish(attempt, _InterruptedError())
            raise
        else:
            self.done = True
            self._finish(attempt, None)

    def _finish(self, attempt: _Attempt, error: Exception | None) -> None:
        with self._lock:
            if self._attempt is attempt:
                self._attempt = None
        # An attempt considered abandoned may still end, in a loop that runs again.
        with suppress(concurrent.futures.InvalidStateError):
            if error is None:
                attempt.result.set_result(None)
            else:
                attempt.result.set_exception(error)
