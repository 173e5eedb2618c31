"""Pop: exactly one caller gets the value, and the entry is removed."""

import asyncio
from typing import Any

import pytest

from key_value.aio.protocols import AsyncPopProtocol
from key_value.aio.testing.clock import outlive
from key_value.aio.testing.hostile_names import HOSTILE_NAMES, label
from key_value.aio.testing.operations import Read, Store, Write
from key_value.aio.testing.processes import in_processes
from key_value.aio.testing.selection import needs, states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides
from key_value.aio.testing.trials import over, try_each

TASKS = 200
KEYS = 40


async def _pop_all(opening: Opening, collection: str, _: int) -> list[dict[str, Any] | None]:
    async with opening() as store:
        return await asyncio.gather(*(store.pop(f"key-{n}", collection=collection) for n in range(KEYS)))


class PopConformance(Conformance):
    """`pop` reads and removes an entry atomically."""

    @needs(AsyncPopProtocol)
    @over("write", "read")
    async def test_pop_returns_the_value_and_removes_the_entry(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        pop = self.ability(store, AsyncPopProtocol).pop
        await write(store, "key", {"a": [1, {"b": None}]}, collection=collection, ttl=1000)
        await store.put("key2", {"n": 2}, collection=collection)
        await store.put("key", {"n": 3}, collection=f"{collection}2")
        assert await pop("key", collection=collection) == {"a": [1, {"b": None}]}
        assert await read(store, "key", collection=collection) is None
        assert await pop("key", collection=collection) is None
        assert await store.get("key2", collection=collection) == {"n": 2}
        assert await store.get("key", collection=f"{collection}2") == {"n": 3}

    @needs(AsyncPopProtocol)
    async def test_pop_of_a_missing_key_is_none(self, store: Store, collection: str) -> None:
        assert await self.ability(store, AsyncPopProtocol).pop("missing", collection=collection) is None

    @needs(AsyncPopProtocol)
    async def test_pop_of_an_expired_entry_is_none(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        assert await self.ability(store, AsyncPopProtocol).pop("key", collection=collection) is None

    @needs(AsyncPopProtocol)
    async def test_pop_of_an_empty_value_is_a_hit(self, store: Store, collection: str) -> None:
        await store.put("key", {}, collection=collection)
        assert await self.ability(store, AsyncPopProtocol).pop("key", collection=collection) == {}

    @needs(AsyncPopProtocol)
    @over("write")
    async def test_a_popped_key_can_be_written_again(
        self, store: Store, collection: str, write: Write
    ) -> None:
        pop = self.ability(store, AsyncPopProtocol).pop
        for n in range(2):
            await write(store, "key", {"n": n}, collection=collection)
            assert await pop("key", collection=collection) == {"n": n}

    @needs(AsyncPopProtocol)
    async def test_any_name_can_be_popped(self, store: Store, collection: str) -> None:
        pop = self.ability(store, AsyncPopProtocol).pop

        async def use(name: str) -> None:
            await store.put(name, {"name": label(name)}, collection=collection)
            assert await pop(name, collection=collection) == {"name": label(name)}
            assert await store.get(name, collection=collection) is None

        await try_each({label(name): name for name in HOSTILE_NAMES}, use, at_once=True)

    @needs(AsyncPopProtocol)
    async def test_pop_has_one_winner(self, store: Store, collection: str) -> None:
        pop = self.ability(store, AsyncPopProtocol).pop
        for n in range(3):
            await store.put("key", {"n": n}, collection=collection)
            popped = await asyncio.gather(*(pop("key", collection=collection) for _ in range(TASKS)))
            assert [value for value in popped if value is not None] == [{"n": n}]
            assert await store.get("key", collection=collection) is None

    @needs(AsyncPopProtocol)
    async def test_no_value_is_popped_twice_beside_puts(self, store: Store, collection: str) -> None:
        pop = self.ability(store, AsyncPopProtocol).pop
        popped: list[int] = []

        async def pop_one() -> None:
            value = await pop("key", collection=collection)
            if value is not None:
                popped.append(value["n"])

        for n in range(0, TASKS, 4):
            puts = [store.put("key", {"n": n + each}, collection=collection) for each in range(4)]
            await asyncio.gather(pop_one(), *puts[:2], pop_one(), pop_one(), *puts[2:], pop_one())
        await pop_one()
        assert len(popped) == len(set(popped))
        assert await store.get("key", collection=collection) is None

    @pytest.mark.timeout(300)
    @when(overrides("opening"), states(shared_by_processes=True))
    @needs(AsyncPopProtocol)
    async def test_pop_has_one_winner_among_processes(
        self, store: Store, collection: str, opening: Opening
    ) -> None:
        keys = [f"key-{n}" for n in range(KEYS)]
        await store.put_many(keys, [{"n": n} for n in range(KEYS)], collection=collection)
        popped = [value for values in await in_processes(_pop_all, opening, collection) for value in values]
        assert sorted(value["n"] for value in popped if value is not None) == list(range(KEYS))
        assert await store.get_many(keys, collection=collection) == [None] * KEYS
