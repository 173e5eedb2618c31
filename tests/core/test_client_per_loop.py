"""`ClientPerLoop`, beyond what the stores' suites see."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from inspect import CORO_CLOSED, getcoroutinestate
from typing import Any

import pytest

from key_value.aio.stores.base import ClientPerLoop


@asynccontextmanager
async def open_client() -> AsyncGenerator[str]:
    yield "client"


def begin(clients: ClientPerLoop[str]) -> "asyncio.Task[str]":
    """Ask for a client in a loop that ends before it begins to open one."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(clients.get())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    return task


@pytest.mark.parametrize("again", [False, True], ids=["closed", "opened anew"])
async def test_an_opening_that_its_loop_cut_off_is_forgotten(again: bool) -> None:
    clients = ClientPerLoop[str](None, open_client)
    async with clients:
        task = await asyncio.to_thread(begin, clients)
        [opened] = clients._opened.values()
        if again:
            assert await clients.get() == "client"
    assert getcoroutinestate(opened._work) == CORO_CLOSED
    # Python says of a task that is dropped that it is pending.
    pending: list[Any] = [task, opened._opening]
    for each in pending:
        each._log_destroy_pending = False
