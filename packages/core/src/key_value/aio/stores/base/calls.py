"""How a hook is called: bounded in time, in the order that was asked for, and to its end when it writes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def bounded(call: Awaitable[T], timeout: float | None) -> T:
    """Await something for at most so many seconds.

    Raises:
        TimeoutError: It took longer; it was cancelled.
    """
    if timeout is None:
        return await call
    if sys.version_info >= (3, 11):
        async with asyncio.timeout(timeout):
            return await call
    return await _bounded_by_timer(call, timeout)


async def _bounded_by_timer(call: Awaitable[T], timeout: float) -> T:
    """Do what `asyncio.timeout` does, which Python 3.10 lacks.

    `asyncio.wait_for` would run a task of its own, which a loop that ends may leave unstarted.
    """
    task = asyncio.current_task()
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        if task is not None:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(timeout, expire)
    try:
        return await call
    except asyncio.CancelledError as error:
        if expired:
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


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
        last = self._last
        earlier = [end for address in addresses if (end := last.get(address)) and end.get_loop() is loop]
        ended = loop.create_future()
        for address in addresses:
            last[address] = ended
        try:
            if earlier:
                await asyncio.wait(set(earlier))
            return await (write() if settles else settled(write()))
        finally:
            self._finish(addresses, ended, earlier)

    def _finish(
        self,
        addresses: Sequence[str],
        ended: "asyncio.Future[None]",
        earlier: "Iterable[asyncio.Future[None]]",
    ) -> None:
        unfinished = next((end for end in earlier if not end.done()), None)
        if unfinished is not None:
            unfinished.add_done_callback(lambda _: self._finish(addresses, ended, earlier))
            return
        for address in addresses:
            if self._last.get(address) is ended:
                del self._last[address]
        ended.set_result(None)
