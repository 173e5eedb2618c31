"""Resources: threads, descriptors and memory are freed with the stores and entries that used them."""

import asyncio
import gc
import threading
import time
import tracemalloc
from pathlib import Path

from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides

STORES = 8
SETTLE_SECONDS = 15
SLACK = 5
"""Threads and descriptors that come and go independently of stores, such as those of the event loop."""
DESCRIPTORS = Path("/proc/self/fd")
ENTRIES = 60
BYTES_PER_ENTRY = 100
"""Bytes that may remain of a deleted entry, such as its collection name in a bounded cache."""
BYTES_OF_OTHERS = 49_152
"""Bytes that may remain of anything else, such as the tables of caches."""


def _in_use() -> int:
    """Return the number of threads and descriptors of this process after a garbage collection."""
    gc.collect()
    descriptors = len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else 0
    return threading.active_count() + descriptors


async def _settle(before: int) -> int:
    """Return the number of additional threads and descriptors, once it is small or after some seconds."""
    deadline = time.monotonic() + SETTLE_SECONDS
    # Counted only once per iteration, because those of others come and go.
    while (used := _in_use() - before) > SLACK and time.monotonic() < deadline:  # noqa: ASYNC110 -- nothing says when they end
        await asyncio.sleep(0.02)
    return used


class ResourceConformance(Conformance):
    """Many stores, one after another, need no more resources than one."""

    @when(overrides("opening"), states(closed_frees=True))
    async def test_closed_stores_keep_no_thread_and_no_descriptor(
        self, opening: Opening, collection: str
    ) -> None:
        await self._use_and_close(opening, collection)
        before = _in_use()
        stores = [await self._use_and_close(opening, collection) for _ in range(STORES)]
        assert await _settle(before) <= SLACK, f"{len(stores)} closed stores keep threads or descriptors"

    @when(overrides("opening"), states(shared_by_processes=True, dropped_unclosed=True))
    async def test_dropped_stores_keep_no_thread_and_no_descriptor(
        self, opening: Opening, collection: str
    ) -> None:
        await self._use(opening, collection)
        before = _in_use()
        for _ in range(STORES):
            await self._use(opening, collection)
        assert await _settle(before) <= SLACK, f"{STORES} dropped stores keep threads or descriptors"

    async def test_deleted_entries_keep_no_memory(self, store: Store, collection: str) -> None:
        entries = min(ENTRIES, self.many)
        await self._put_and_delete(store, collection, 0)
        tracemalloc.start()
        try:
            await self._put_and_delete(store, collection, entries)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            await self._put_and_delete(store, collection, 2 * entries)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < entries * BYTES_PER_ENTRY + BYTES_OF_OTHERS

    async def _put_and_delete(self, store: Store, collection: str, start: int) -> None:
        """Store and delete entries in several collections, with a different TTL each."""
        for n in range(start, start + min(ENTRIES, self.many)):
            name = f"{collection}-{n % 10}"
            await store.put(f"key-{n}", {"n": n}, collection=name, ttl=10 * 1.005**n)
            await store.delete(f"key-{n}", collection=name)

    async def _use(self, opening: Opening, collection: str) -> None:
        store = opening()
        await store.put("key", {"n": 1}, collection=collection)
        assert await store.get("key", collection=collection) == {"n": 1}

    async def _use_and_close(self, opening: Opening, collection: str) -> object:
        async with opening() as store:
            await store.put("key", {"n": 1}, collection=collection)
        return store
