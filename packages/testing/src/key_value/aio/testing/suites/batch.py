"""Batches: every key has its result in its place, even if keys are missing, repeated or numerous."""

from typing import Any

from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import Conformance

# More than a backend accepts in one request (DynamoDB 25, Azure 100), and not a multiple of a limit.
LARGE = 251


class BatchConformance(Conformance):
    """A batch has the same effect as single operations, one after another."""

    async def test_answers_in_the_order_of_the_keys(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b", "c"], [{"n": 1}, {"n": 2}, {"n": 3}], collection=collection)
        assert await store.get_many(["c", "a", "b"], collection=collection) == [{"n": 3}, {"n": 1}, {"n": 2}]
        assert await store.ttl_many(["b", "c"], collection=collection) == [({"n": 2}, None), ({"n": 3}, None)]

    async def test_answers_missing_keys_in_their_places(self, store: Store, collection: str) -> None:
        await store.put("b", {"n": 2}, collection=collection)
        keys = ["a", "b", "c"]
        assert await store.get_many(keys, collection=collection) == [None, {"n": 2}, None]
        ttls = await store.ttl_many(keys, collection=collection)
        assert ttls == [(None, None), ({"n": 2}, None), (None, None)]

    async def test_answers_a_repeated_key_each_time(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection=collection)
        keys = ["a", "b", "a", "x", "a", "x"]
        values = [{"n": 1}, {"n": 2}, {"n": 1}, None, {"n": 1}, None]
        assert await store.get_many(keys, collection=collection) == values
        assert await store.ttl_many(keys, collection=collection) == [(value, None) for value in values]

    async def test_the_last_value_of_a_repeated_key_wins(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b", "a"], [{"n": 1}, {"n": 2}, {"n": 3}], collection=collection)
        assert await store.get_many(["a", "b"], collection=collection) == [{"n": 3}, {"n": 2}]

    async def test_deletes_a_repeated_key_once(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection=collection)
        assert await store.delete_many(["a", "a", "b", "a"], collection=collection) == 2

    async def test_counts_only_what_it_deleted(self, store: Store, collection: str) -> None:
        await store.put_many(["a", "b", "c"], [{"n": 1}] * 3, collection=collection)
        assert await store.delete_many(["x", "a", "y", "c"], collection=collection) == 2
        assert await store.get_many(["a", "b", "c"], collection=collection) == [None, {"n": 1}, None]
        assert await store.delete_many(["a", "c"], collection=collection) == 0

    async def test_an_empty_batch_does_nothing(self, store: Store, collection: str) -> None:
        await store.put_many([], [], collection=collection)
        await store.put_many([], [], collection=collection, ttl=10)
        assert await store.get_many([], collection=collection) == []
        assert await store.ttl_many([], collection=collection) == []
        assert await store.delete_many([], collection=collection) == 0

    async def test_takes_tuples(self, store: Store, collection: str) -> None:
        await store.put_many(("a", "b"), ({"n": 1}, {"n": 2}), collection=collection)
        assert await store.get_many(("a", "b"), collection=collection) == [{"n": 1}, {"n": 2}]
        assert await store.delete_many(("a", "b"), collection=collection) == 2

    async def test_put_many_replaces_and_adds(self, store: Store, collection: str) -> None:
        await store.put("a", {"old": 1}, collection=collection)
        await store.put_many(["a", "b"], [{"new": 1}, {"new": 2}], collection=collection)
        assert await store.get_many(["a", "b"], collection=collection) == [{"new": 1}, {"new": 2}]

    async def test_a_batch_stays_in_its_collection(self, store: Store, collection: str) -> None:
        other = f"{collection}-other"
        await store.put_many(["a", "b"], [{"in": 1}] * 2, collection=collection)
        await store.put_many(["b", "c"], [{"in": 2}] * 2, collection=other)
        assert await store.get_many(["a", "b", "c"], collection=collection) == [{"in": 1}, {"in": 1}, None]
        assert await store.delete_many(["a", "b", "c"], collection=other) == 2
        assert await store.get_many(["a", "b"], collection=collection) == [{"in": 1}, {"in": 1}]

    async def test_a_large_batch_is_whole(self, store: Store, collection: str) -> None:
        large = min(LARGE, self.many)
        keys = [f"key-{number}" for number in range(large)]
        values: list[dict[str, Any]] = [{"n": number} for number in range(large)]
        await store.put_many(keys, values, collection=collection, ttl=1000)
        assert await store.get_many(keys[::-1], collection=collection) == values[::-1]
        ttls = await store.ttl_many(keys, collection=collection)
        assert [value for value, _ in ttls] == values
        assert all(left is not None and 0 < left <= 1000 for _, left in ttls)
        assert await store.delete_many([*keys, "missing"], collection=collection) == large
        assert await store.get_many(keys, collection=collection) == [None] * large
