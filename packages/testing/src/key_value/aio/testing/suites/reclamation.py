"""Reclamation: later writes remove expired entries without a call of `cull`."""

import asyncio
import time

import pytest

from key_value.aio.testing.clock import outlive
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance, nightly, overrides

BATCH = 100
NIGHTLY = 10_000
REMAINING = 0.1
"""Maximum fraction of the expired entries that may remain after the same number of writes."""
SETTLE_SECONDS = 30
"""A cleanup step may end after the write that started it."""


class ReclamationConformance(Conformance):
    """The space of expired entries is bounded by the rate of writes, and no other entries are removed."""

    @pytest.mark.timeout(300)
    @when(overrides("count_stored"))
    async def test_writes_free_what_has_expired(self, store: Store, collection: str) -> None:
        count = NIGHTLY if nightly() else self.reclaimed
        ttl = await self._put_short_lived(store, collection, count)
        await outlive(ttl)
        for n in range(count):
            await store.put(f"new-{n}", {"n": n}, collection=collection)
        dead = await self._dead(store, collection, count)
        assert dead <= REMAINING * count, f"{dead} of {count} expired entries remain after {count} puts"
        keys = [f"new-{n}" for n in range(count)]
        assert await store.get_many(keys, collection=collection) == [{"n": n} for n in range(count)]

    @pytest.mark.timeout(300)
    @when(overrides("count_stored"))
    async def test_an_entry_that_was_renewed_is_not_freed(self, store: Store, collection: str) -> None:
        ttl = await self._put_short_lived(store, collection, BATCH)
        await outlive(ttl)
        renewed = [f"old-{n}" for n in range(BATCH)]
        await store.put_many(renewed, [{"renewed": 1}] * BATCH, collection=collection)
        for n in range(self.reclaimed):
            await store.put("other", {"n": n}, collection=collection)
        assert await store.get_many(renewed, collection=collection) == [{"renewed": 1}] * BATCH

    async def _put_short_lived(self, store: Store, collection: str, count: int) -> float:
        for start in range(0, count, BATCH):
            keys = [f"old-{n}" for n in range(start, start + BATCH)]
            await store.put_many(keys, [{"n": 1}] * BATCH, collection=collection, ttl=self.short_ttl)
        return self.short_ttl

    async def _dead(self, store: Store, collection: str, count: int) -> int:
        """Return the number of expired entries that remain after all started steps have ended."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (dead := await self.count_stored(store, collection=collection) - count) > REMAINING * count:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        return dead
