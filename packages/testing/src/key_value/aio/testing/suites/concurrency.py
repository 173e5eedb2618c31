"""Concurrency: concurrent calls have the same effect as sequential calls in some order."""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

import pytest

from key_value.aio.protocols.key_value import AsyncPutIfAbsentProtocol
from key_value.aio.testing.clock import outlive
from key_value.aio.testing.operations import Store
from key_value.aio.testing.processes import in_processes
from key_value.aio.testing.selection import needs, states, when
from key_value.aio.testing.suites.base import Conformance, Opening, overrides

TASKS = 50
CROWD = 300
"""More tasks than any driver's connection pool has by default: redis-py and PyMongo have 100."""
THREADS = 4
ROUNDS = 10
CLAIMED = ("absent", "expired")

ResultT = TypeVar("ResultT")


async def _claim(opening: Opening, collection: str, number: int) -> list[int]:
    """Claim each of two keys `TASKS` times, and return how often each claim succeeded."""
    async with opening() as store:
        claims: list[list[Awaitable[bool]]] = [
            [store.put_if_absent(key, {"by": number}, collection=collection) for _ in range(TASKS)]
            for key in CLAIMED
        ]
        return [sum(await asyncio.gather(*each)) for each in claims]


async def _at_once(*calls: Awaitable[ResultT]) -> list[ResultT]:
    """Await calls concurrently and all to their end, even if one of them fails."""
    results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), timeout=60)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise failures[0]
    return cast("list[ResultT]", results)


class ConcurrencyConformance(Conformance):
    """No call sees a partial result of another, is lost, or waits forever."""

    async def test_more_tasks_than_connections_wait_for_one(self, store: Store, collection: str) -> None:
        """An exhausted connection pool or a limit on concurrent calls does not raise an error."""
        crowd = min(CROWD, self.many)

        async def use(number: int) -> list[dict[str, Any] | None]:
            key = f"key-{number}"
            await store.put(key, {"n": number}, collection=collection)
            found = await store.get(key, collection=collection)
            await store.put_many([key], [{"n": -number}], collection=collection, ttl=1000)
            return [found, *await store.get_many([key], collection=collection)]

        found = await _at_once(*(use(number) for number in range(crowd)))
        assert found == [[{"n": number}, {"n": -number}] for number in range(crowd)]

    async def test_many_tasks_use_their_own_collections(self, store: Store, collection: str) -> None:
        async def use(number: int) -> dict[str, Any] | None:
            own = f"{collection}-{number % 10}"
            await store.put(f"key-{number}", {"n": number}, collection=own)
            return await store.get(f"key-{number}", collection=own)

        found = await _at_once(*(use(number) for number in range(TASKS)))
        assert found == [{"n": number} for number in range(TASKS)]

    async def test_many_tasks_read_one_key(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": [1, 2]}, collection=collection)
        found = await _at_once(*(store.get("key", collection=collection) for _ in range(TASKS)))
        assert found == [{"a": [1, 2]}] * TASKS

    async def test_a_value_is_never_torn(self, store: Store, collection: str) -> None:
        """Readers see the whole value of one writer, with its expiry time, while others write."""

        async def write(number: int) -> None:
            value = {"writer": number, "again": [number] * 500, f"field-{number}": number}
            await store.put("key", value, collection=collection, ttl=1000 * (number + 1))

        async def read() -> tuple[dict[str, Any] | None, float | None]:
            return await store.ttl("key", collection=collection)

        await write(0)
        calls = [call for number in range(TASKS) for call in (write(number), read(), read())]
        seen = [result for result in await _at_once(*calls) if result is not None]
        for value, left in [*seen, await read()]:
            assert value is not None
            number = value["writer"]
            assert value == {"writer": number, "again": [number] * 500, f"field-{number}": number}
            assert left is not None
            assert 1000 * number < left <= 1000 * (number + 1)

    async def test_batches_at_once_are_whole(self, store: Store, collection: str) -> None:
        keys = [f"key-{number}" for number in range(10)]

        async def write(number: int) -> None:
            own = [f"{number}-{key}" for key in keys]
            await store.put_many(own, [{"n": number}] * len(own), collection=collection)

        await _at_once(*(write(number) for number in range(10)))
        for number in range(10):
            found = await store.get_many([f"{number}-{key}" for key in keys], collection=collection)
            assert found == [{"n": number}] * len(keys)

    async def test_one_of_many_deletes_removed_the_entry(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await _at_once(*(store.delete("key", collection=collection) for _ in range(TASKS)))
        assert await store.get("key", collection=collection) is None

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_has_one_winner(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        for attempt in range(ROUNDS):
            key = f"key-{attempt}"
            stored = await _at_once(
                *(put_if_absent(key, {"n": number}, collection=collection) for number in range(TASKS))
            )
            assert stored.count(True) == 1
            assert await store.get(key, collection=collection) == {"n": stored.index(True)}

    @pytest.mark.timeout(300)
    @when(overrides("opening"), states(shared_by_processes=True))
    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_has_one_winner_among_processes(
        self, store: Store, collection: str, opening: Opening
    ) -> None:
        await store.put("expired", {}, collection=collection, ttl=self.short_ttl)
        await outlive(self.short_ttl)
        won = await in_processes(_claim, opening, collection)
        for key, claims in zip(CLAIMED, zip(*won, strict=True), strict=True):
            assert sum(claims) == 1
            assert await store.get(key, collection=collection) == {"by": claims.index(1)}

    @when(states(single_loop=None))
    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_has_one_winner_among_threads(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        start = threading.Barrier(THREADS, timeout=30)

        async def claim(number: int) -> list[bool]:
            stored: list[bool] = []
            for attempt in range(ROUNDS):
                start.wait()
                stored.append(await put_if_absent(f"key-{attempt}", {"n": number}, collection=collection))
            return stored

        def run(number: int) -> list[bool]:
            return asyncio.run(claim(number))

        by_thread = await _at_once(*(asyncio.to_thread(run, number) for number in range(THREADS)))
        for attempt in range(ROUNDS):
            stored = [results[attempt] for results in by_thread]
            assert stored.count(True) == 1
            assert await store.get(f"key-{attempt}", collection=collection) == {"n": stored.index(True)}
