"""How a hook is called: bounded in time, in the order that was asked for, and to its end when it writes."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimit(threading.local):
    """Lets each call last for so many seconds; one timer serves the calls of an event loop.

    `asyncio.timeout` sets one for each call, which takes longer than the rest of its way through a store.
    """

    def __init__(self, seconds: float) -> None:
        """State the limit, in seconds."""
        self._seconds = seconds
        self._calls: _Calls | None = None
        """Those of the loop that this thread runs."""

    async def bound(self, call: Awaitable[T]) -> T:
        """Await something for at most so long.

        Raises:
            TimeoutError: It took longer; it was cancelled.
        """
        loop = asyncio.get_running_loop()
        calls = self._calls
        if calls is None or calls.loop is not loop:
            calls = self._calls = _Calls(loop)
        with _Call(calls, loop.time() + self._seconds):
            return await call


class _Calls:
    """The calls of one event loop that are under way, in the order of their deadlines."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.under_way: dict[_Call, None] = {}
        self._is_timed = False

    def add(self, call: "_Call") -> None:
        self.under_way[call] = None
        if not self._is_timed:
            self._set_timer(call.deadline)

    def _set_timer(self, deadline: float) -> None:
        self._is_timed = True
        self.loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._is_timed = False
        now = self.loop.time()
        for call in list(self.under_way):
            if call.deadline > now:
                self._set_timer(call.deadline)
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
        self._cancelled = _cancellations(task)
        self._calls.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        del self._calls.under_way[self]
        if not self._has_expired:
            return
        if sys.version_info >= (3, 11):
            self._task.uncancel()
        # Unless the caller was cancelled besides.
        if kind is asyncio.CancelledError and _cancellations(self._task) <= self._cancelled:
            raise TimeoutError from error

    def expire(self) -> None:
        if not self._has_expired:
            self._has_expired = True
            self._task.cancel()


def _cancellations(task: "asyncio.Task[Any]") -> int:
    """Return how often the task was asked to end, as far as Python counts it."""
    return task.cancelling() if sys.version_info >= (3, 11) else 0


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


async def settled(write: Coroutine[Any, Any, T]) -> T:
    """Await a write to its end, even if the caller is cancelled: only then is the cancellation raised.

    A write that is given up may still reach the backend, after a later one. Once it has ended it cannot.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(_: object = None) -> None:
        if not ended.done() and not loop.is_closed():
            ended.set_result(None)

    async def run() -> T:
        try:
            return await write
        finally:
            end()  # Earlier than a callback of the task, by a turn of the loop.

    work = run()
    task = loop.create_task(work)
    task.add_done_callback(end)  # Of a task that is cancelled before it begins.
    try:
        await ended
    except asyncio.CancelledError:
        await _until_done(task)
        if not task.cancelled():
            task.exception()  # The caller is told of its cancellation instead.
        raise
    finally:
        if loop.is_closed() or task.done():
            # It will never run again, and may not have begun.
            work.close()
            write.close()
    return task.result()


async def _until_done(task: "asyncio.Task[Any]") -> None:
    """Wait for a task, however often the caller is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


class WriteOrder:
    """Lets the writes to an address proceed one after another, in the order in which they were asked for.

    Writes to other addresses are not held up. A write that is given up while it waits is never sent, and
    those after it still wait for those before it.
    """

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[None]] = {}
        """The end of the last write to each address that has one under way."""

    async def run(
        self,
        addresses: Sequence[str],
        write: Callable[[], Coroutine[Any, Any, T]],
        *,
        settles: bool = False,
    ) -> T:
        """Run a write once the earlier ones to its addresses have ended.

        Args:
            addresses: What it writes to.
            write: What to await.
            settles: Whether that runs to its end by itself if the caller is cancelled; see `settled`.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        earlier: set[asyncio.Future[None]] = set()
        for address in addresses:
            last = self._last.get(address)
            if last is not None and last is not ended and last.get_loop() is loop:
                earlier.add(last)
            self._last[address] = ended
        try:
            if earlier:
                await asyncio.wait(earlier)
            return await (write() if settles else settled(write()))
        finally:
            self._finish(addresses, ended, earlier)

    def _finish(
        self,
        addresses: Sequence[str],
        ended: "asyncio.Future[None]",
        earlier: "Iterable[asyncio.Future[None]]",
    ) -> None:
        for end in earlier:
            if not end.done():
                end.add_done_callback(lambda _: self._finish(addresses, ended, earlier))
                return
        for address in addresses:
            if self._last.get(address) is ended:
                del self._last[address]
        ended.set_result(None)
