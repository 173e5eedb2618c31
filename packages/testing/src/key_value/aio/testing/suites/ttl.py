"""TTL: an entry lives for its whole TTL, never less, and is then gone for all callers."""

import asyncio
from datetime import timedelta
from typing import Any

from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.testing.clock import TOLERANCE, Stopwatch, outlive
from key_value.aio.testing.operations import READS, Read, Store, Write
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over


class TTLConformance(Conformance):
    """Expired entries are missing; unexpired entries exist and have their remaining TTL."""

    @over("write", ttl=named(100, 100.9, 0.9, 86_400, 40 * 86_400))
    async def test_ttl_is_what_is_left(self, store: Store, collection: str, write: Write, ttl: float) -> None:
        since = Stopwatch()
        await write(store, "key", {"a": 1}, collection=collection, ttl=ttl)
        value, left = await store.ttl("key", collection=collection)
        [(_, left_in_batch)] = await store.ttl_many(["key"], collection=collection)
        elapsed = since.seconds
        assert value == {"a": 1} or elapsed >= ttl
        for seconds in (left, left_in_batch):
            assert seconds is not None or elapsed >= ttl
            assert seconds is None or ttl - elapsed - TOLERANCE <= seconds <= ttl + TOLERANCE

    @over("write")
    async def test_a_timedelta_is_a_ttl(self, store: Store, collection: str, write: Write) -> None:
        ttl: Any = timedelta(hours=1, milliseconds=500)
        since = Stopwatch()
        await write(store, "key", {"a": 1}, collection=collection, ttl=ttl)
        value, left = await store.ttl("key", collection=collection)
        assert value == {"a": 1}
        assert left is not None
        assert 3600.5 - since.seconds - TOLERANCE <= left <= 3600.5 + TOLERANCE

    @over("write", "read", at_once=True)
    async def test_lives_its_whole_ttl(self, store: Store, collection: str, write: Write, read: Read) -> None:
        since = Stopwatch()
        await write(store, "key", {"a": 1}, collection=collection, ttl=self.short_ttl)
        await self._lives(store, ["key"], collection, read, self.short_ttl, since)

    async def test_lives_its_whole_ttl_past_a_full_second(self, store: Store, collection: str) -> None:
        """A backend that counts whole seconds must round up."""
        since, ttl = Stopwatch(), 1.3
        for operation, write in self.writes().items():
            await write(store, operation, {"a": 1}, collection=collection, ttl=ttl)
        await self._lives(store, list(self.writes()), collection, READS["get"], ttl, since)

    async def _lives(
        self, store: Store, keys: list[str], collection: str, read: Read, ttl: float, since: Stopwatch
    ) -> None:
        while since.seconds < ttl - TOLERANCE:
            for key in keys:
                value = await read(store, key, collection=collection)
                lived = since.seconds
                assert value == {"a": 1} or lived >= ttl - TOLERANCE, f"gone after {lived} of {ttl} seconds"
            await asyncio.sleep(ttl / 50)

    @over("write", "read", at_once=True)
    async def test_is_gone_after_its_ttl(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        await write(store, "key", {"a": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await read(store, "key", collection=collection) is None

    async def test_ttl_of_an_expired_entry_is_none(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await store.ttl("key", collection=collection) == (None, None)
        assert await store.ttl_many(["key"], collection=collection) == [(None, None)]

    async def test_a_ttl_is_of_one_entry(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection=collection)
        await store.put("a", {"n": 3}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await store.get_many(["a", "b"], collection=collection) == [None, {"n": 2}]

    async def test_a_batch_expires_as_one(self, store: Store, collection: str) -> None:
        keys = [f"key-{number}" for number in range(5)]
        await store.put_many(keys, [{"a": 1}] * 5, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await store.get_many(keys, collection=collection) == [None] * 5

    @over(batch=named(False, True), second=named(None, 1000), at_once=True)
    async def test_put_replaces_a_shorter_ttl(
        self, store: Store, collection: str, *, batch: bool, second: float | None
    ) -> None:
        await store.put("key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await self._replace(store, collection, second, batch=batch)
        await outlive(self.short_ttl)
        value, left = await store.ttl("key", collection=collection)
        assert value == {"n": 2}
        assert (left is None) is (second is None)

    @over(batch=named(False, True), first=named(None, 1000), at_once=True)
    async def test_put_replaces_a_longer_ttl(
        self, store: Store, collection: str, *, batch: bool, first: float | None
    ) -> None:
        await store.put("key", {"n": 1}, collection=collection, ttl=first)
        await self._replace(store, collection, self.short_ttl, batch=batch)
        await outlive(self.short_ttl)
        assert await store.get("key", collection=collection) is None

    async def _replace(self, store: Store, collection: str, ttl: float | None, *, batch: bool) -> None:
        if batch:
            await store.put_many(["key"], [{"n": 2}], collection=collection, ttl=ttl)
        else:
            await store.put("key", {"n": 2}, collection=collection, ttl=ttl)

    async def test_delete_of_an_expired_entry_is_false(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await store.delete("key", collection=collection) is False

    async def test_delete_many_does_not_count_expired_entries(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection=collection, ttl=self.short_ttl)
        await store.put("c", {"n": 3}, collection=collection)
        await outlive(self.short_ttl)
        assert await store.delete_many(["a", "b", "c"], collection=collection) == 1

    @needs(AsyncEnumerateKeysProtocol)
    async def test_expired_keys_are_not_listed(self, store: Store, collection: str) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        await store.put("old", {"a": 1}, collection=collection, ttl=self.short_ttl)
        await store.put("new", {"a": 1}, collection=collection)
        await outlive(self.short_ttl)
        assert await keys(collection) == ["new"]

    @needs(AsyncEnumerateKeysProtocol)
    async def test_expired_keys_do_not_use_up_the_limit(self, store: Store, collection: str) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        await store.put_many(["a", "b"], [{"n": 1}] * 2, collection=collection, ttl=self.short_ttl)
        await store.put_many(["c", "d"], [{"n": 2}] * 2, collection=collection)
        await outlive(self.short_ttl)
        assert sorted(await keys(collection, limit=2)) == ["c", "d"]

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_takes_the_place_of_an_expired_entry(
        self, store: Store, collection: str
    ) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        await store.put("key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await put_if_absent("key", {"n": 2}, collection=collection) is True
        assert await store.ttl("key", collection=collection) == ({"n": 2}, None)

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_leaves_the_ttl_of_what_is_there(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        await store.put("key", {"n": 1}, collection=collection)
        assert await put_if_absent("key", {"n": 2}, collection=collection, ttl=self.short_ttl) is False
        await outlive(self.short_ttl)
        assert await store.ttl("key", collection=collection) == ({"n": 1}, None)

    @needs(AsyncCullProtocol)
    async def test_cull_leaves_what_has_not_expired(self, store: Store, collection: str) -> None:
        cull = self.ability(store, AsyncCullProtocol).cull
        await store.put("old", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await store.put("long", {"n": 2}, collection=collection, ttl=1000)
        await store.put("forever", {"n": 3}, collection=collection)
        await outlive(self.short_ttl)
        await cull()
        everything = await store.get_many(["old", "long", "forever"], collection=collection)
        assert everything == [None, {"n": 2}, {"n": 3}]
