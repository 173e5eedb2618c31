"""Time limits of calls, with one timer for all calls of an event loop."""

import asyncio
import sys
import threading
from types import TracebackType

from key_value.aio._utils.cancellations import cancellations

_LOOKS = 0.01
"""Interval at which a closing store checks whether calls have ended, in seconds."""

_BLOCKED = 0.05
"""Delay of a timer, in seconds, that means that its event loop was blocked."""

_GRACE = 0.1
"""Time to read the responses that arrived while the event loop was blocked, in seconds."""


class TimeLimit(threading.local):
    """A time limit for calls; one timer serves all calls of an event loop.

    `asyncio.timeout` sets a timer for each call, which takes longer than the rest of the call's path through
    a store. Before Python 3.12, `asyncio.wait_for` loses a cancellation that meets the end of what it awaits.
    """

    def __init__(self, seconds: float) -> None:
        """Initialize with a limit in seconds."""
        self._seconds = seconds
        self._calls: _Calls | None = None
        """The calls of the event loop that this thread runs."""

    def start(self) -> "_Call":
        """Start a call of the running task: return a context that raises TimeoutError after the limit."""
        loop = asyncio.get_running_loop()
        calls = self._calls
        if calls is None or calls.loop is not loop:
            calls = self._calls = _Calls(loop)
        return _Call(calls, loop.time() + self._seconds)

    async def rest(self) -> None:
        """Wait until the calls in progress in the running loop have ended."""
        calls = self._calls
        if calls is None or calls.loop is not asyncio.get_running_loop():
            return
        while calls.under_way:  # noqa: ASYNC110 -- an event would cost every call
            await asyncio.sleep(_LOOKS)


class _Calls:
    """The calls in progress in one event loop, ordered by deadline."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.under_way: dict[_Call, None] = {}
        self.is_timed = False

    def set_timer(self, deadline: float) -> None:
        self.is_timed = True
        self.loop.call_at(deadline, self._reach, deadline)

    def _reach(self, deadline: float) -> None:
        if self.loop.time() - deadline > _BLOCKED:
            # The responses may be here, but no task could read them.
            self.loop.call_later(_GRACE, self._expire)
        else:
            self._expire()

    def _expire(self) -> None:
        self.is_timed = False
        now = self.loop.time()
        for call in list(self.under_way):
            if call.deadline > now:
                self.set_timer(call.deadline)
                break
            call.expire()


class _Call:
    """A context that cancels its task at a deadline and then raises TimeoutError."""

    __slots__ = ("_calls", "_cancelled", "_task", "deadline", "has_expired")

    def __init__(self, calls: _Calls, deadline: float) -> None:
        self._calls = calls
        self.deadline = deadline
        self.has_expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A call to a backend must be awaited inside an asyncio task")
        self._task = task
        self._cancelled = cancellations(task)
        self._calls.under_way[self] = None
        if not self._calls.is_timed:
            self._calls.set_timer(self.deadline)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        del self._calls.under_way[self]
        if not self.has_expired:
            return
        if sys.version_info >= (3, 11):
            self._task.uncancel()
        # Do not raise TimeoutError if the caller was cancelled as well.
        if kind is asyncio.CancelledError and cancellations(self._task) <= self._cancelled:
            raise TimeoutError from error

    def expire(self) -> None:
        if not self.has_expired:
            self.has_expired = True
            self._task.cancel()
