"""Lifecycle: a closed store raises, can be opened again, and works in any event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from key_value.aio.errors import KeyValueStoreError, StoreClosedError
from key_value.aio.protocols import ABILITIES, Ability
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import try_each

OPERATIONS: Mapping[str, Callable[[Store, str], Awaitable[Any]]] = {
    "get": lambda store, collection: store.get("key", collection=collection),
    "ttl": lambda store, collection: store.ttl("key", collection=collection),
    "put": lambda store, collection: store.put("key", {"a": 1}, collection=collection),
    "delete": lambda store, collection: store.delete("key", collection=collection),
    "get_many": lambda store, collection: store.get_many(["key"], collection=collection),
    "ttl_many": lambda store, collection: store.ttl_many(["key"], collection=collection),
    "put_many": lambda store, collection: store.put_many(["key"], [{"a": 1}], collection=collection),
    "delete_many": lambda store, collection: store.delete_many(["key"], collection=collection),
}
ABILITY_CALLS: Mapping[str, Callable[[Any, str], Awaitable[Any]]] = {
    "keys": lambda store, collection: store.keys(collection),
    "collections": lambda store, _: store.collections(),
    "scan": lambda store, collection: store.scan(collection),
    "destroy": lambda store, _: store.destroy(),
    "destroy_collection": lambda store, collection: store.destroy_collection(collection),
    "cull": lambda store, _: store.cull(),
    "put_if_absent": lambda store, collection: store.put_if_absent("key", {"a": 1}, collection=collection),
    "get_versioned": lambda store, collection: store.get_versioned("key", collection=collection),
    "put_if_version": lambda store, collection: store.put_if_version(
        "key", {"a": 1}, version="1", collection=collection
    ),
    "delete_if_version": lambda store, collection: store.delete_if_version(
        "key", version="1", collection=collection
    ),
    "pop": lambda store, collection: store.pop("key", collection=collection),
    "touch": lambda store, collection: store.touch("key", ttl=10, collection=collection),
}


class LifecycleConformance(Conformance):
    """`close`, `async with`, and the behaviour of a store as an object."""

    async def test_is_true_when_empty(self, store: Store, collection: str) -> None:
        """Applications write `storage or MemoryStore()`."""
        assert store
        await store.put("key", {"a": 1}, collection=collection)
        assert store
        assert not hasattr(store, "__len__")

    async def test_a_closed_store_says_so(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.close()

        async def say_so(operation: Callable[[Store, str], Awaitable[Any]]) -> None:
            with pytest.raises(StoreClosedError):
                await operation(store, collection)

        await try_each(OPERATIONS, say_so)

    @when(lambda tests: tests.abilities)
    async def test_the_abilities_of_a_closed_store_say_so(self, store: Store, collection: str) -> None:
        await store.close()

        async def say_so(ability: Ability) -> None:
            protocol: type[object] = ability.protocol
            able = self.ability(store, protocol)
            with pytest.raises(StoreClosedError):
                await ABILITY_CALLS[ability.method](able, collection)

        await try_each({each.method: each for each in ABILITIES if each.protocol in self.abilities}, say_so)

    async def test_a_store_that_was_never_used_can_be_closed(self, store: Store, collection: str) -> None:
        await store.close()
        with pytest.raises(StoreClosedError):
            await store.get("key", collection=collection)

    async def test_can_be_closed_twice(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.close()
        await store.close()

    async def test_calls_that_are_under_way_harm_no_caller(self, store: Store, collection: str) -> None:
        """Each call ends, with a meaningful error if it fails, and no task is cancelled."""
        await store.put("key", {"a": 1}, collection=collection)
        tasks = [asyncio.ensure_future(call(store, collection)) for call in [*OPERATIONS.values()] * 5]
        await asyncio.sleep(0.003)
        await store.close()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                assert isinstance(result, KeyValueStoreError), repr(result)

    async def test_async_with_opens_a_closed_store(self, store: Store, collection: str) -> None:
        await store.close()
        for _ in range(2):
            async with store as opened:
                assert opened is store
                for operation in OPERATIONS.values():
                    await operation(store, collection)
            with pytest.raises(StoreClosedError):
                await store.get("key", collection=collection)

    @when(states(persistent=True))
    async def test_entries_outlive_close(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.put("timed", {"a": 2}, collection=collection, ttl=1000)
        await store.close()
        async with store:
            assert await store.get("key", collection=collection) == {"a": 1}
            value, left = await store.ttl("timed", collection=collection)
            assert value == {"a": 2}
            assert left is not None

    @when(states(single_loop=None))
    async def test_works_in_a_second_event_loop(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)

        async def elsewhere() -> dict[str, Any] | None:
            await store.put("other", {"n": 2}, collection=collection)
            return await store.get("key", collection=collection)

        found = await asyncio.wait_for(asyncio.to_thread(lambda: asyncio.run(elsewhere())), timeout=30)
        assert found == self.kept({"n": 1})
        assert await store.get("other", collection=collection) == self.kept({"n": 2})
