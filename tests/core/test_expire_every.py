"""Culling in the background: when it runs, when it stops, and how it reports failures."""

import asyncio
import logging
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio.errors import StoreConnectionError
from key_value.aio.expiry import expire_every
from key_value.aio.stores.base import BytesStore
from key_value.aio.stores.simple import SimpleStore

SOON = 0.001


class Culled(SimpleStore):
    """A store that counts its culls, and fails or waits in them on demand."""

    def __init__(self, act: Callable[[int], object] = lambda _: None) -> None:
        super().__init__()
        self.act = act
        self.started = 0
        self.ended = 0
        self.changed = asyncio.Event()

    @override
    async def cull(self) -> None:
        self.started += 1
        self.changed.set()
        try:
            done = self.act(self.started)
            if asyncio.iscoroutine(done):
                await done
        finally:
            self.ended += 1

    async def reach(self, count: int) -> None:
        while self.started < count:
            self.changed.clear()
            await self.changed.wait()


async def test_culls_again_and_again_until_the_end() -> None:
    store = Culled()
    async with expire_every(store, SOON):
        await store.reach(3)
    started = store.started
    await asyncio.sleep(10 * SOON)
    assert store.started == started


async def test_what_has_expired_is_removed() -> None:
    store = SimpleStore()
    await store.put("a", {}, ttl=SOON)
    await store.put("b", {})
    async with expire_every(store, SOON):
        while len(store._entries) > 1:
            await asyncio.sleep(0)
    assert await store.keys() == ["b"]


async def test_the_first_cull_is_after_an_interval() -> None:
    store = Culled()
    async with expire_every(store, 3600):
        await asyncio.sleep(SOON)
    assert store.started == 0


@pytest.mark.parametrize("error", [StoreConnectionError("the server is gone"), RuntimeError("a secret")])
async def test_a_failure_is_logged_and_the_next_turn_tries_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(count: int) -> None:
        if count == 1:
            raise error

    store = Culled(fail)
    async with expire_every(store, SOON):
        await store.reach(2)
    [record] = caplog.records
    assert (record.name, record.levelno) == ("key_value.aio", logging.WARNING)
    reason = "RuntimeError" if isinstance(error, RuntimeError) else "the server is gone"
    assert record.getMessage() == f"Culled() could not remove expired entries and will try again: {reason}"


async def test_the_end_stops_a_cull_that_is_under_way() -> None:
    store = Culled(lambda _: asyncio.sleep(3600))
    async with expire_every(store, SOON):
        await store.reach(1)
    assert store.ended == 1


async def test_cancelling_the_body_ends_the_task_and_stays_a_cancellation() -> None:
    store = Culled(lambda _: asyncio.sleep(3600))

    async def body() -> None:
        async with expire_every(store, SOON):
            await asyncio.sleep(3600)

    task = asyncio.create_task(body())
    await store.reach(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.ended == 1


async def test_the_bodys_own_error_is_raised() -> None:
    with pytest.raises(LookupError):
        async with expire_every(Culled(), SOON):
            raise LookupError


async def test_several_may_run_side_by_side_in_tasks() -> None:
    stores = [Culled(), Culled()]

    async def serve(store: Culled) -> None:
        async with store, expire_every(store, SOON):
            await store.reach(2)

    await asyncio.gather(*map(serve, stores))


async def test_the_jitter_spreads_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(random, "uniform", random.Random(7).uniform)
    monkeypatch.setattr(asyncio, "sleep", note)
    store = Culled()
    async with expire_every(store, 100, jitter=0.2):
        await store.reach(50)
    assert all(80 <= wait <= 120 for wait in waits)
    assert max(waits) - min(waits) > 30


class Unlisted(BytesStore):
    """A store that cannot list its entries."""

    @override
    async def _read(self, address: str) -> bytes | None: ...

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None: ...

    @override
    async def _remove(self, address: str) -> None: ...


def test_a_store_without_cull_is_named() -> None:
    wanted = r"expire_every requires a store with cull\(\), which Unlisted does not have"
    with pytest.raises(TypeError, match=wanted):
        expire_every(Unlisted(), 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seconds": 0}, "seconds must be a positive, finite number, not 0"),
        ({"seconds": -1}, "seconds must be"),
        ({"seconds": math.inf}, "seconds must be"),
        ({"seconds": math.nan}, "seconds must be"),
        ({"seconds": 1, "jitter": 1}, "jitter must be at least 0 and less than 1, not 1"),
        ({"seconds": 1, "jitter": -0.1}, "jitter must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expire_every(SimpleStore(), **arguments)
