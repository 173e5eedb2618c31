"""Cancellation: an abandoned write does not take effect after a later, acknowledged one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from key_value.aio.testing.operations import Store, Write
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import over

ROUNDS = 15
LARGE = {"old": "x" * 100_000}

GiveUp = Callable[[Coroutine[Any, Any, None], int], Awaitable[None]]


async def _cancel(write: Coroutine[Any, Any, None], turns: int) -> None:
    task = asyncio.ensure_future(write)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _time_out(write: Coroutine[Any, Any, None], turns: int) -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(write, timeout=turns * 0.0005)


GIVE_UPS = {"cancelled": _cancel, "timed out": _time_out}


class CancellingConformance(Conformance):
    """Writes to one key, including abandoned ones, keep the order in which they were called.

    On a busy machine a late write may go unnoticed, but none is reported wrongly.
    """

    @over("write", give_up=GIVE_UPS, at_once=True)
    async def test_a_write_that_was_given_up_is_not_seen_after_a_delete(
        self, store: Store, collection: str, write: Write, give_up: GiveUp
    ) -> None:
        keys = [f"key-{n}" for n in range(ROUNDS)]
        for turns, key in enumerate(keys):
            await give_up(write(store, key, LARGE, collection=collection), turns % 6)
            if turns % 2:
                await store.delete(key, collection=collection)
            else:
                await store.delete_many([key, "other"], collection=collection)
        await asyncio.sleep(self.late)
        assert await store.get_many(keys, collection=collection) == [None] * ROUNDS

    @over("write", give_up=GIVE_UPS, at_once=True)
    async def test_a_write_that_was_given_up_replaces_no_later_one(
        self, store: Store, collection: str, write: Write, give_up: GiveUp
    ) -> None:
        keys = [f"key-{n}" for n in range(ROUNDS)]
        for turns, key in enumerate(keys):
            await give_up(write(store, key, LARGE, collection=collection), turns % 6)
            if turns % 2:
                await store.put(key, {"new": key}, collection=collection)
            else:
                await store.put_many([key, "other"], [{"new": key}, {}], collection=collection)
        await asyncio.sleep(self.late)
        found = await store.get_many(keys, collection=collection)
        assert found == [{"new": key} for key in keys]

    @over(give_up=GIVE_UPS, at_once=True)
    async def test_a_delete_that_was_given_up_removes_no_later_value(
        self, store: Store, collection: str, give_up: GiveUp
    ) -> None:
        keys = [f"key-{n}" for n in range(ROUNDS)]
        await store.put_many(keys, [LARGE] * ROUNDS, collection=collection)

        async def delete(key: str) -> None:
            await store.delete(key, collection=collection)

        for turns, key in enumerate(keys):
            await give_up(delete(key), turns % 6)
            await store.put(key, {"new": key}, collection=collection)
        await asyncio.sleep(self.late)
        found = await store.get_many(keys, collection=collection)
        assert found == [{"new": key} for key in keys]

    async def test_a_read_that_was_given_up_harms_no_other(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection=collection)
        for turns in range(ROUNDS):
            reads = [asyncio.ensure_future(store.get("a", collection=collection)) for _ in range(4)]
            for _ in range(turns % 5):
                await asyncio.sleep(0)
            reads[0].cancel()
            reads[2].cancel()
            results = await asyncio.gather(*reads, return_exceptions=True)
            assert results[1] == results[3] == {"n": 1}
            assert await store.get("b", collection=collection) == {"n": 2}
