"""Event loops: a loop that ends leaves nothing behind that blocks later calls."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides

LOOPS = 10
TIMEOUT = 30
"""Seconds after which a call counts as hanging."""


def _cut_off(call: Coroutine[Any, Any, Any], turns: int) -> None:
    """Run a call for a few turns of an event loop, then close the loop with everything open in it."""
    loop = asyncio.new_event_loop()
    # The loop reports pending work when it is closed, which is intended here.
    loop.set_exception_handler(lambda _, __: None)
    task = loop.create_task(call)
    for _ in range(turns):
        loop.call_soon(loop.stop)
        loop.run_forever()
    if task.done() and not task.cancelled():
        task.exception()
    loop.close()


_unclosed = pytest.mark.filterwarnings("ignore::ResourceWarning")


async def _close(store: Store) -> None:
    """Close a store, and garbage-collect the clients of closed loops, which cannot be closed any more."""
    await asyncio.wait_for(store.close(), TIMEOUT)
    del store
    gc.collect()


class LoopConformance(Conformance):
    """A store outlives the event loops in which it is used."""

    @_unclosed
    @pytest.mark.parametrize("turns", [1, 2, 5])
    @when(overrides("opening"), states(single_loop=None))
    async def test_a_first_call_that_its_loop_cut_off_hangs_no_other(
        self, opening: Opening, collection: str, turns: int
    ) -> None:
        store: Store = opening()
        await asyncio.to_thread(_cut_off, store.get("key", collection=collection), turns)
        await asyncio.wait_for(store.put("key", {"n": 1}, collection=collection), TIMEOUT)
        assert await store.get("key", collection=collection) == {"n": 1}
        await _close(store)

    @_unclosed
    @pytest.mark.parametrize("turns", [1, 2, 5])
    @when(overrides("opening"), states(single_loop=None))
    async def test_a_store_whose_setup_was_cut_off_can_be_closed(self, opening: Opening, turns: int) -> None:
        store: Store = opening()
        await asyncio.to_thread(_cut_off, store.__aenter__(), turns)
        await _close(store)

    @_unclosed
    @pytest.mark.parametrize("turns", [1, 2, 5])
    @when(overrides("opening"), states(single_loop=None))
    async def test_a_call_that_its_loop_cut_off_hangs_no_other(
        self, opening: Opening, collection: str, turns: int
    ) -> None:
        """This includes the first write to a collection, which may have to be prepared."""
        store: Store = opening()
        await store.put("key", {"n": 1}, collection=collection)
        other = f"{collection}2"
        await asyncio.to_thread(_cut_off, store.put("cut off", {"n": 1}, collection=other), turns)
        await asyncio.wait_for(store.put("key", {"n": 2}, collection=other), TIMEOUT)
        assert await store.get("key", collection=collection) == {"n": 1}
        assert await store.get("key", collection=other) == {"n": 2}
        await _close(store)

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 added eager tasks")
    @when(overrides("opening"))
    async def test_works_in_a_loop_that_starts_tasks_at_once(self, opening: Opening, collection: str) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory if sys.version_info >= (3, 12) else None)
        keys = [f"key-{number}" for number in range(20)]
        store = opening()
        try:
            await asyncio.gather(*(store.put(key, {"key": key}, collection=collection) for key in keys))
            found = await asyncio.gather(*(store.get(key, collection=collection) for key in keys))
            assert found == [self.kept({"key": key}) for key in keys]
        finally:
            await store.close()
            loop.set_task_factory(None)

    @when(states(single_loop=None))
    async def test_works_in_one_loop_after_another(self, store: Store, collection: str) -> None:
        """A loop that ends without `close` reports no errors."""
        reports: list[dict[str, Any]] = []

        async def use(number: int) -> dict[str, Any] | None:
            asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
            await store.put(f"key-{number}", {"n": number}, collection=collection)
            return await store.get(f"key-{number}", collection=collection)

        for number in range(LOOPS):
            found = await asyncio.wait_for(asyncio.to_thread(asyncio.run, use(number)), TIMEOUT)
            assert found == ({"n": number})
        assert reports == []
        assert await store.get("key-0", collection=collection) == ({"n": 0})
        await asyncio.wait_for(store.close(), TIMEOUT)
