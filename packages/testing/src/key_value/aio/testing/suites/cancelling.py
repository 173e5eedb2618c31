"""Cancellation: it is never lost, and an abandoned write takes no effect after a later, acknowledged one."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from key_value.aio.testing.operations import Store, Write
from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides
from key_value.aio.testing.trials import over, try_each

ROUNDS = 15
TURNS = 100
"""Maximum number of turns of the event loop in each of which a call is cancelled."""
VALUE = {"n": 1}
LARGE = {"old": "x" * 100_000}

Call = Callable[[], Coroutine[Any, Any, object]]
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


_counted = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10 does not count the cancellations that drivers lose"
)


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

    @_counted
    async def test_no_cancellation_is_lost(self, store: Store, collection: str) -> None:
        """A task that was cancelled before it ended raises CancelledError, whatever its call was doing."""
        await store.put("key", VALUE, collection=collection)
        calls: dict[str, Call] = {
            "get": lambda: store.get("key", collection=collection),
            "get_many": lambda: store.get_many(["key", "missing"], collection=collection),
            "put": lambda: store.put("key", VALUE, collection=collection),
            "put_many": lambda: store.put_many(["a", "b"], [VALUE, VALUE], collection=collection),
            "delete": lambda: store.delete("missing", collection=collection),
        }

        async def cancel_in_each_turn(call: Call) -> None:
            for turns in range(TURNS):
                if not await _is_cancelled(call, turns):
                    return

        await try_each(calls, cancel_in_each_turn)

    @_counted
    @when(overrides("opening"))
    async def test_no_cancellation_of_a_first_call_is_lost(self, opening: Opening, collection: str) -> None:
        for turns in range(TURNS):
            store = opening()
            try:
                is_cancelled = await _is_cancelled(partial(store.get, "key", collection=collection), turns)
            finally:
                await store.close()
            if not is_cancelled:
                return


async def _is_cancelled(call: Call, turns: int) -> bool:
    """Cancel a call after some turns of the event loop, unless it has ended by then."""
    task = asyncio.ensure_future(call())
    for _ in range(turns):
        await asyncio.sleep(0)
    if not task.cancel():
        await task
        return False
    with pytest.raises(asyncio.CancelledError):
        await task
    return True
