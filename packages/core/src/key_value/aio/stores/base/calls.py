"""How a hook is called: bounded in time, in the order that was asked for, and to its end when it writes."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Generic, TypeAlias, TypeVar

from key_value.aio._utils.cancellations import cancellations

T = TypeVar("T")

Attempt: TypeAlias = Callable[[Callable[[], Awaitable[T]]], Coroutine[Any, Any, T]]

_LOOKS = 0.01
"""Seconds between looks whether calls have ended, while a store is being closed."""


class TimeLimit(threading.local):
    """Lets each call last for so many seconds; one timer serves the calls of an event loop.

    `asyncio.timeout` sets one for each call, which takes longer than the rest of its way through a store.
    """

    def __init__(self, seconds: float) -> None:
        """State the limit, in seconds."""
        self._seconds = seconds
        self._calls: _Calls | None = None
        """Those of the loop that this thread runs."""

    def start(self) -> "_Call":
        """Begin a call of the running task: a context that raises TimeoutError at the end of its time."""
        loop = asyncio.get_running_loop()
        calls = self._calls
        if calls is None or calls.loop is not loop:
            calls = self._calls = _Calls(loop)
        return _Call(calls, loop.time() + self._seconds)

    async def rest(self) -> None:
        """Wait until the calls have ended that are under way in the running loop."""
        calls = self._calls
        if calls is None or calls.loop is not asyncio.get_running_loop():
            return
        while calls.under_way:  # noqa: ASYNC110 -- an event would cost every call
            await asyncio.sleep(_LOOKS)


class _Calls:
    """The calls of one event loop that are under way, in the order of their deadlines."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.under_way: dict[_Call, None] = {}
        self.is_timed = False

    def set_timer(self, deadline: float) -> None:
        self.is_timed = True
        self.loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self.is_timed = False
        now = self.loop.time()
        for call in list(self.under_way):
            if call.deadline > now:
                self.set_timer(call.deadline)
                break
            call.expire()


class _Call:
    """A context that is cancelled at a deadline, and raises TimeoutError then."""

    __slots__ = ("_calls", "_cancelled", "_has_expired", "_task", "deadline")

    def __init__(self, calls: _Calls, deadline: float) -> None:
        self.deadline = deadline
        self._calls = calls
        self._has_expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A call to a backend must be awaited in a task")
        self._task = task
        self._cancelled = cancellations(task)
        self._calls.under_way[self] = None
        if not self._calls.is_timed:
            self._calls.set_timer(self.deadline)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        del self._calls.under_way[self]
        if not self._has_expired:
            return
        if sys.version_info >= (3, 11):
            self._task.uncancel()
        # Unless the caller was cancelled besides.
        if kind is asyncio.CancelledError and cancellations(self._task) <= self._cancelled:
            raise TimeoutError from error

    def expire(self) -> None:
        if not self._has_expired:
            self._has_expired = True
            self._task.cancel()


async def joined(task: "asyncio.Task[T]", work: Coroutine[Any, Any, T]) -> T:
    """Await a task of its own, which a cancelled caller does not cancel.

    Args:
        task: The task.
        work: What it runs.
    """
    try:
        return await asyncio.shield(task)
    finally:
        if task.get_loop().is_closed():
            # It will never run again, and may not have begun.
            work.close()


class WriteOrder(threading.local):
    """Lets the writes to an entry proceed one after another, each to its end, in the order they came in.

    Writes to other entries are not held up. A write whose caller is cancelled before it begins is not done.
    One that has begun runs to its end, and only then is the cancellation raised: a write that is given up may
    still reach the backend, after a later one.
    """

    def __init__(self) -> None:
        """Begin with no write under way; each thread has an order of its own."""
        self._last: dict[str, asyncio.Future[None]] = {}
        """The end of the last write to each entry that has one under way."""

    async def run(
        self,
        entries: Sequence[str],
        write: Callable[[], Awaitable[T]],
        attempt: "Attempt[T]",
        *,
        settles: bool = False,
    ) -> T:
        """Run a write once the earlier ones to its entries have ended.

        Args:
            entries: What stands for the entries that it writes.
            write: What to await.
            attempt: Awaits what it is given, which also waits for the earlier writes, and may give it up.
            settles: Whether the write runs to its end by itself if the caller is cancelled.
        """
        loop = asyncio.get_running_loop()
        earlier = {
            last
            for entry in entries
            if (last := self._last.get(entry)) is not None and not last.done() and last.get_loop() is loop
        }
        ended: asyncio.Future[None] = loop.create_future()
        for entry in entries:
            self._last[entry] = ended
        end = partial(self._end, entries, ended)
        if earlier or not settles:
            return await _Write(write, attempt, earlier, end).settled()
        try:
            return await attempt(write)
        finally:
            end()

    def _end(self, entries: Sequence[str], ended: "asyncio.Future[None]") -> None:
        for entry in entries:
            if self._last.get(entry) is ended:
                del self._last[entry]
        if not ended.done() and not ended.get_loop().is_closed():
            ended.set_result(None)


class _Write(Generic[T]):
    """A write in a task of its own, for a caller that may be cancelled."""

    __slots__ = ("_attempt", "_earlier", "_end", "_ended", "_has_begun", "_loop", "_write")

    def __init__(
        self,
        write: Callable[[], Awaitable[T]],
        attempt: "Attempt[T]",
        earlier: "Collection[asyncio.Future[None]]",
        end: Callable[[], None],
    ) -> None:
        self._write = write
        self._attempt = attempt
        self._earlier = earlier
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._has_begun = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        """What the caller awaits, and cancels if it is cancelled itself."""

    async def settled(self) -> T:
        """Await the write, if it has begun to its end also if the caller is cancelled."""
        work = self._run()
        task = _start(work, self._loop)
        if not self._has_begun:
            task.add_done_callback(self._finish)  # It may be cancelled before it begins.
        try:
            await self._ended
        except asyncio.CancelledError:
            if self._has_begun:
                await _until_done(task)
                if not task.cancelled():
                    task.exception()  # The caller is told of its cancellation instead.
            raise
        finally:
            if self._loop.is_closed():
                work.close()  # It will never run again, and may not have begun.
        return task.result()

    async def _run(self) -> T:
        try:
            return await self._attempt(self._write_in_turn)
        finally:
            self._finish()  # Earlier than a callback of the task, by a turn of the loop.

    async def _write_in_turn(self) -> T:
        if self._earlier:
            await asyncio.wait(self._earlier)
        if self._ended.cancelled():
            raise asyncio.CancelledError
        self._has_begun = True
        return await self._write()

    def _finish(self, _: object = None) -> None:
        if not self._ended.done() and not self._loop.is_closed():
            self._ended.set_result(None)
        for earlier in self._earlier:
            if not earlier.done():
                # It was given up while it waited; those after it still wait for those before it.
                earlier.add_done_callback(self._finish)
                return
        self._end()


async def _until_done(task: "asyncio.Task[Any]") -> None:
    """Wait for a task, however often the caller is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


if sys.version_info >= (3, 12):

    def _start(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> "asyncio.Task[T]":
        """Run a coroutine as a task, which begins now: in the next turn of the loop takes longer."""
        return asyncio.Task(work, loop=loop, eager_start=True)

else:

    def _start(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> "asyncio.Task[T]":
        """Run a coroutine as a task."""
        return loop.create_task(work)
