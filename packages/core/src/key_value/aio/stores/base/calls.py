"""Calls of hooks: write ordering, and writes that complete despite cancellation."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")

Attempt: TypeAlias = Callable[[Callable[[], Awaitable[T]]], Coroutine[Any, Any, T]]


async def joined(task: "asyncio.Task[T]", work: Coroutine[Any, Any, T]) -> T:
    """Await a separate task without cancelling it if the caller is cancelled.

    Args:
        task: Task to await.
        work: Coroutine that the task runs.
    """
    try:
        return await asyncio.shield(task)
    finally:
        if task.get_loop().is_closed():
            # The task will never run again, and may not have started.
            work.close()


class WriteOrder(threading.local):
    """Runs the writes to an entry one after another, each to completion, in the order they arrive.

    Writes to other entries are not delayed. A write whose caller is cancelled before it starts is not done. A
    write that has started runs to completion before the cancellation is raised, because an abandoned write
    might still reach the backend after a later one.
    """

    def __init__(self) -> None:
        """Initialize with no write in progress. Each thread has a separate order."""
        self._last: dict[str, asyncio.Future[None]] = {}
        """For each entry with a write in progress, the future that completes when the last write ends."""

    async def run(
        self,
        entries: Sequence[str],
        write: Callable[[], Awaitable[T]],
        attempt: "Attempt[T]",
        *,
        settles: bool = False,
    ) -> T:
        """Run a write after the earlier writes to its entries have ended.

        Args:
            entries: Identifiers of the entries that are written.
            write: Async function that writes.
            attempt: Awaits the function passed to it, including the wait for earlier writes, and may abandon
                it.
            settles: Whether the write completes by itself if the caller is cancelled.
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
    """A write in a separate task, for a caller that may be cancelled."""

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
        """Future that the caller awaits, and that is cancelled with the caller."""

    async def settled(self) -> T:
        """Await the write; once started, it completes even if the caller is cancelled."""
        work = self._run()
        task = _start(work, self._loop)
        if not self._has_begun:
            task.add_done_callback(self._finish)  # The task may be cancelled before it starts.
        try:
            await self._ended
        except asyncio.CancelledError:
            if self._has_begun:
                await _until_done(task)
                if not task.cancelled():
                    task.exception()  # The caller gets its cancellation instead.
            raise
        finally:
            if self._loop.is_closed():
                work.close()  # The task will never run again, and may not have started.
        return task.result()

    async def _run(self) -> T:
        try:
            return await self._attempt(self._write_in_turn)
        finally:
            self._finish()  # One turn of the loop earlier than a callback of the task.

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
                # This write was abandoned while waiting; later writes must still wait for the earlier ones.
                earlier.add_done_callback(self._finish)
                return
        self._end()


async def _until_done(task: "asyncio.Task[Any]") -> None:
    """Wait for a task, no matter how often the caller is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue


if sys.version_info >= (3, 12):

    def _start(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> "asyncio.Task[T]":
        """Run a coroutine as a task that starts immediately: waiting for the next loop turn is slower."""
        return asyncio.Task(work, loop=loop, eager_start=True)

else:

    def _start(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> "asyncio.Task[T]":
        """Run a coroutine as a task."""
        return loop.create_task(work)
