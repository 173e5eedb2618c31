"""One client per event loop and process, for drivers whose clients belong to a loop."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from inspect import CORO_CREATED, getcoroutinestate
from types import coroutine
from typing import Any, Generic, TypeVar

from key_value.aio._utils.tasks import start_task
from key_value.aio.errors import StoreClosedError
from key_value.aio.stores.base.calls import joined

ClientT = TypeVar("ClientT")


class ClientPerLoop(Generic[ClientT]):
    """The client of the running event loop: the caller's, or one that is opened in that loop.

    A client that the caller passed in is never closed. Otherwise the first call in a loop opens a client. It
    is closed in that loop, also when the loop ends, and is never used in a process forked after it was
    opened.
    """

    def __init__(
        self,
        given: ClientT | None,
        open: Callable[[], AbstractAsyncContextManager[ClientT]],  # noqa: A002 -- the word of the field
    ) -> None:
        """Initialize with the client to use. Nothing is opened yet.

        Args:
            given: The caller's client, used in all loops; None opens one per loop.
            open: Opens a client: an async context manager, entered and exited in the loop that uses the
                client.
        """
        self._given = given
        self._open = open
        self._opened: dict[tuple[int, asyncio.AbstractEventLoop], _Opened[ClientT]] = {}
        self._is_open = given is not None
        self._lock = threading.Lock()

    def current(self) -> ClientT:
        """Return the client of the running loop, without opening one.

        Raises:
            StoreClosedError: No client is open in this loop.
        """
        if self._given is not None:
            return self._given
        opened = self._opened.get((os.getpid(), asyncio.get_running_loop()))
        if opened is None or opened.client is None:
            raise StoreClosedError(
                message="The store has no client in this event loop yet: await store.setup()"
            )
        return opened.client

    async def get(self) -> ClientT:
        """Return the client of the running loop.

        Raises:
            StoreClosedError: The store is closed.
        """
        if self._given is not None:
            return self._given
        opened = self._opened.get((os.getpid(), asyncio.get_running_loop()))
        if opened is not None and opened.client is not None:
            return opened.client
        return await self._add()

    async def __aenter__(self) -> "ClientPerLoop[ClientT]":
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the clients opened here, each in its event loop."""
        with self._lock:
            self._is_open = False
            opened, self._opened = self._opened, {}
        here = asyncio.get_running_loop()
        for (process, loop), each in opened.items():
            if process != os.getpid():
                continue
            if loop is here:
                await each.close()
            elif loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(each.close(), loop))
            elif loop.is_closed():
                each.abandon()

    async def _add(self) -> ClientT:
        loop = asyncio.get_running_loop()
        with self._lock:
            if not self._is_open:
                raise StoreClosedError(message="The store is closed")
            for place in [place for place in self._opened if place[1].is_closed()]:
                self._opened.pop(place).abandon()
            opened = self._opened.setdefault((os.getpid(), loop), _Opened(self._open))
        try:
            return await opened.get()
        except BaseException:
            if opened.failed:
                with self._lock:
                    self._opened.pop((os.getpid(), loop), None)
            raise


class _Opened(Generic[ClientT]):
    """A client opened once, by a separate task, so that a cancelled caller does not affect others."""

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[ClientT]]) -> None:  # noqa: A002 -- as above
        self.client: ClientT | None = None
        self._context = open()
        self._opening: asyncio.Task[ClientT] | None = None
        self._work: Coroutine[Any, Any, ClientT]
        self._guard = self._close_at_end()

    @property
    def failed(self) -> bool:
        """Whether the client could not be opened."""
        task = self._opening
        return task is not None and task.done() and (task.cancelled() or task.exception() is not None)

    async def get(self) -> ClientT:
        if self._opening is None:
            self._work = self._enter()
            self._opening = start_task(self._work)
        return await joined(self._opening, self._work)

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening])
        await self._guard.aclose()

    def abandon(self) -> None:
        """Discard an opening whose loop ended before it started, so that Python does not warn about it."""
        if self._opening is not None and getcoroutinestate(self._work) == CORO_CREATED:
            self._work.close()

    async def _enter(self) -> ClientT:
        client = await _unregistered(self._enter_context())
        # Starting the guard this way registers it with the loop, which closes it before ending.
        with suppress(StopIteration):
            self._guard.asend(None).send(None)
        self.client = client
        return client

    async def _enter_context(self) -> ClientT:
        return await self._context.__aenter__()

    async def _close_at_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self.client = None
            await self._context.__aexit__(None, None, None)


def _leave_to_guard(_: AsyncGenerator[Any, Any]) -> None:
    """Do nothing for a collected generator: the guard, collected with it, is closed and closes it."""


@coroutine
def _unregistered(work: Coroutine[Any, Any, ClientT]) -> Generator[Any, None, ClientT]:
    """Await a coroutine without letting the event loop register the async generators that it starts.

    A loop that ends closes all registered generators at the same time, including those inside our context
    manager while it is being exited. It also closes those that are garbage-collected.
    """
    proceed = partial(work.send, None)
    while True:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=_leave_to_guard)
        try:
            awaited = proceed()
        except StopIteration as end:
            return end.value
        finally:
            sys.set_asyncgen_hooks(*hooks)
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 -- raised where the coroutine waits
            proceed = partial(work.throw, error)
        else:
            proceed = partial(work.send, None)
