"""Values: JSON is read back unchanged; other values are rejected and replace nothing."""

import json
from typing import Any

import pytest

from key_value.aio.errors import SerializationError, ValueTooLargeError
from key_value.aio.testing.hostile_values import HARD_VALUES, JSON_VALUES, NOT_JSON, Make
from key_value.aio.testing.operations import Read, Store, Write
from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over, try_each

LARGE = 200_000


def _exact(value: Any) -> str:
    """Distinguish values that `==` does not (1, 1.0, True; 0.0, -0.0), and treat NaN as equal to itself."""
    return json.dumps(value, sort_keys=True)


class ValueConformance(Conformance):
    """The value read is exactly the value written; only the order of an object's keys may differ."""

    @over("write")
    async def test_reads_the_same_json(self, store: Store, collection: str, write: Write) -> None:
        async def keep(named: tuple[str, Make]) -> None:
            key, make = named
            await write(store, key, {"value": make()}, collection=collection)
            for found in (
                await store.get(key, collection=collection),
                *await store.get_many([key], collection=collection),
                (await store.ttl(key, collection=collection))[0],
            ):
                assert _exact(found) == _exact({"value": make()})

        await try_each(_named(JSON_VALUES), keep)

    @over("write", name=named(*HARD_VALUES))
    async def test_reads_the_same_or_refuses(
        self, store: Store, collection: str, write: Write, name: str
    ) -> None:
        make = HARD_VALUES[name]
        if name in self.refused_values:
            with pytest.raises(SerializationError):
                await write(store, "key", {"value": make()}, collection=collection)
            assert await store.get("key", collection=collection) is None
        else:
            await write(store, "key", {"value": make()}, collection=collection)
            found = await store.get("key", collection=collection)
            assert _exact(found) == _exact({"value": make()})

    async def test_any_string_names_a_field(self, store: Store, collection: str) -> None:
        value = {name: {name: [name]} for name in ("", " ", "a.b", "$a", "é", "😀", "_id", "value", "key")}
        await store.put("key", value, collection=collection)
        assert await store.get("key", collection=collection) == value

    @over("write", "read")
    async def test_a_tuple_is_read_as_a_list(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        await write(store, "key", {"value": (1, (2, [(3,)]))}, collection=collection)
        assert await read(store, "key", collection=collection) == {"value": [1, [2, [[3]]]]}

    @over("write", "read")
    async def test_nested_integer_keys_are_read_as_strings(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        await write(store, "key", {"value": {1: "a", 2: [{-3: "b"}]}}, collection=collection)
        expected = {"value": {"1": "a", "2": [{"-3": "b"}]}}
        assert await read(store, "key", collection=collection) == expected

    @over("write")
    async def test_holds_a_large_value(self, store: Store, collection: str, write: Write) -> None:
        size = LARGE if self.largest_value is None else min(LARGE, self.largest_value)
        value = {"text": "x" * (size - len('{"text": ""}'))}
        await write(store, "key", value, collection=collection)
        assert await store.get("key", collection=collection) == value

    @when(lambda tests: tests.largest_value is not None)
    @over("write")
    async def test_refuses_what_is_too_large(self, store: Store, collection: str, write: Write) -> None:
        assert self.largest_value is not None
        await store.put("old", {"old": 1}, collection=collection)
        for key in ("new", "old"):
            with pytest.raises((SerializationError, ValueTooLargeError)):
                await write(store, key, {"text": "x" * self.largest_value}, collection=collection)
        assert await store.get_many(["new", "old"], collection=collection) == [None, {"old": 1}]

    @over("write")
    async def test_refuses_what_is_not_json(self, store: Store, collection: str, write: Write) -> None:
        await store.put("old", {"old": 1}, collection=collection)

        async def refuse(make: Make) -> None:
            for key in ("new", "old"):
                with pytest.raises(SerializationError):
                    await write(store, key, {"value": [make()]}, collection=collection)
            assert await store.get_many(["new", "old"], collection=collection) == [None, {"old": 1}]

        await try_each(NOT_JSON, refuse)

    async def test_refuses_a_batch_with_one_value_that_is_not_json(
        self, store: Store, collection: str
    ) -> None:
        async def refuse(make: Make) -> None:
            values: list[dict[str, Any]] = [{"new": 1}, {"value": make()}, {"new": 3}]
            with pytest.raises(SerializationError):
                await store.put_many(["a", "b", "c"], values, collection=collection)
            assert await store.get_many(["a", "b", "c"], collection=collection) == [None] * 3

        await try_each(NOT_JSON, refuse)


def _named(table: dict[str, Make]) -> dict[str, tuple[str, Make]]:
    return {name: (name, make) for name, make in table.items()}
