"""`ClientPerLoop`, in addition to the suites of the stores."""

import asyncio
import gc
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
    """Request a client in a loop that ends before it starts to open one."""
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
    # Python would report the dropped tasks as pending.
    pending: list[Any] = [task, opened._opening]
    for each in pending:
        each._log_destroy_pending = False


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_a_loop_that_ends_closes_contexts_within_contexts_one_after_another(turns: int) -> None:
    """The loop itself closes all asynchronous generators at the same time."""
    steps: list[str] = []

    @asynccontextmanager
    async def open_connection() -> AsyncGenerator[str]:
        yield "connection"
        for _ in range(turns):
            await asyncio.sleep(0)
        steps.append("connection closed")

    @asynccontextmanager
    async def open_pool() -> AsyncGenerator[str]:
        await asyncio.sleep(0)
        async with open_connection() as connection:
            yield connection
        await asyncio.sleep(0)
        steps.append("pool closed")

    async def use() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, report: steps.append(str(report)))
        clients = await ClientPerLoop[str](None, open_pool).__aenter__()
        assert await clients.get() == "connection"

    asyncio.run(use())
    assert steps == ["connection closed", "pool closed"]


async def test_an_opening_that_fails_or_is_cancelled_is_left() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def open_late() -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
            yield "client"
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise

    async with ClientPerLoop[str](None, open_late) as clients:
        caller = asyncio.create_task(clients.get())
        await asyncio.sleep(0)
        [opened] = clients._opened.values()
        assert opened._opening is not None
        await asyncio.sleep(0)
        opened._opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert steps == ["cancelled"]


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_client_that_is_collected_is_closed_once(turns: int) -> None:
    """Python closes all generators that are collected together at the same time."""
    steps: list[str] = []
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    @asynccontextmanager
    async def open_connection() -> AsyncGenerator[str]:
        await asyncio.sleep(0)
        yield "connection"
        for _ in range(turns):
            await asyncio.sleep(0)
        steps.append("connection closed")

    async def use() -> None:
        clients = ClientPerLoop[str](None, open_connection)
        await clients.__aenter__()
        assert await clients.get() == "connection"
        # A store and its client also refer to each other.
        vars(clients)["cycle"] = clients

    await use()
    gc.collect()
    for _ in range(turns + 5):
        await asyncio.sleep(0)
    assert (steps, told) == (["connection closed"], [])
