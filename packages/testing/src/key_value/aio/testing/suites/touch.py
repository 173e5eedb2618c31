"""Touch: an entry gets a new TTL, and nothing else changes."""

import asyncio
from datetime import timedelta

import pytest

from key_value.aio.errors import InvalidTTLError
from key_value.aio.protocols import AsyncTouchProtocol
from key_value.aio.testing.clock import TOLERANCE, Stopwatch, outlive
from key_value.aio.testing.hostile_names import HOSTILE_NAMES, label
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over, try_each

ROUNDS = 20


class TouchConformance(Conformance):
    """`touch` neither resurrects an entry nor shortens the TTL that it was given."""

    @needs(AsyncTouchProtocol)
    @over(before=named(None, 50, 5000), ttl=named(1000, 1000.9, 0.9))
    async def test_touch_sets_the_ttl_and_keeps_the_value(
        self, store: Store, collection: str, before: float | None, ttl: float
    ) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"a": [1]}, collection=collection, ttl=before)
        since = Stopwatch()
        assert await touch("key", ttl=ttl, collection=collection) is True
        value, left = await store.ttl("key", collection=collection)
        elapsed = since.seconds
        assert value == {"a": [1]} or elapsed >= ttl
        assert left is not None or elapsed >= ttl
        assert left is None or ttl - elapsed - TOLERANCE <= left <= ttl + TOLERANCE

    @needs(AsyncTouchProtocol)
    async def test_touch_takes_a_timedelta(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"n": 1}, collection=collection)
        assert await touch("key", ttl=timedelta(hours=1), collection=collection) is True
        value, left = await store.ttl("key", collection=collection)
        assert value == {"n": 1}
        assert left is not None
        assert 1800 < left <= 3600 + TOLERANCE

    @needs(AsyncTouchProtocol)
    async def test_touch_makes_an_entry_live_for_ever(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"n": 1}, collection=collection, ttl=1000)
        assert await touch("key", ttl=None, collection=collection) is True
        assert await store.ttl("key", collection=collection) == ({"n": 1}, None)

    @needs(AsyncTouchProtocol)
    async def test_a_touched_entry_outlives_its_first_ttl(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        since = Stopwatch()
        await store.put("key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        touched = await touch("key", ttl=1000, collection=collection)
        assert touched or since.seconds >= self.short_ttl - TOLERANCE
        await outlive(self.short_ttl)
        assert await store.get("key", collection=collection) == ({"n": 1} if touched else None)

    @needs(AsyncTouchProtocol)
    async def test_a_touched_entry_is_gone_after_its_new_ttl(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"n": 1}, collection=collection)
        await touch("key", ttl=self.short_ttl, collection=collection)
        await outlive(self.short_ttl)
        assert await store.get_many(["key"], collection=collection) == [None]

    @needs(AsyncTouchProtocol)
    async def test_touch_of_a_missing_key_is_false(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        assert await touch("key", ttl=1000, collection=collection) is False
        await store.put("key", {"n": 1}, collection=collection)
        await store.delete("key", collection=collection)
        assert await touch("key", ttl=None, collection=collection) is False
        assert await store.get("key", collection=collection) is None

    @needs(AsyncTouchProtocol)
    @over(ttl=named(None, 1000), at_once=True)
    async def test_touch_resurrects_no_expired_entry(
        self, store: Store, collection: str, ttl: float | None
    ) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await touch("key", ttl=ttl, collection=collection) is False
        assert await store.ttl("key", collection=collection) == (None, None)

    @needs(AsyncTouchProtocol)
    async def test_touch_resurrects_no_deleted_entry(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        for n in range(ROUNDS):
            await store.put(f"key-{n}", {"n": n}, collection=collection)
            calls = [touch(f"key-{n}", ttl=1000, collection=collection) for _ in range(5)]
            await asyncio.gather(*calls[:3], store.delete(f"key-{n}", collection=collection), *calls[3:])
        keys = [f"key-{n}" for n in range(ROUNDS)]
        assert await store.get_many(keys, collection=collection) == [None] * ROUNDS

    @needs(AsyncTouchProtocol)
    async def test_touch_brings_back_no_older_value(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        for n in range(ROUNDS):
            await store.put(f"key-{n}", {"old": n}, collection=collection)
            calls = [touch(f"key-{n}", ttl=1000, collection=collection) for _ in range(5)]
            put = store.put(f"key-{n}", {"new": n}, collection=collection)
            await asyncio.gather(*calls[:3], put, *calls[3:])
        keys = [f"key-{n}" for n in range(ROUNDS)]
        found = await store.get_many(keys, collection=collection)
        assert found == [{"new": n} for n in range(ROUNDS)]

    @needs(AsyncTouchProtocol)
    async def test_any_name_can_be_touched(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch

        async def use(name: str) -> None:
            await store.put(name, {"n": 1}, collection=collection)
            assert await touch(name, ttl=1000, collection=collection) is True
            value, left = await store.ttl(name, collection=collection)
            assert value == {"n": 1}
            assert left is not None

        await try_each({label(name): name for name in HOSTILE_NAMES}, use, at_once=True)

    @needs(AsyncTouchProtocol)
    async def test_touch_refuses_what_is_no_lifetime(self, store: Store, collection: str) -> None:
        touch = self.ability(store, AsyncTouchProtocol).touch
        await store.put("key", {"n": 1}, collection=collection)
        for ttl in (0, -1, float("nan"), float("inf"), True, timedelta()):
            with pytest.raises(InvalidTTLError):
                await touch("key", ttl=ttl, collection=collection)
        assert await store.ttl("key", collection=collection) == ({"n": 1}, None)
