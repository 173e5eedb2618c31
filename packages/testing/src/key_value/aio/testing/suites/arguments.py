"""Invalid arguments: they are rejected before anything is stored."""

import math
import sys
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from key_value.aio.errors import InvalidTTLError
from key_value.aio.protocols.key_value import AsyncEnumerateCollectionsProtocol
from key_value.aio.testing.operations import READS, Store, Write
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over, try_each

NOT_KEYS: dict[str, Any] = {"int": 1, "none": None, "bytes": b"key", "list": ["key"]}
NOT_VALUES: dict[str, Any] = {
    "none": None,
    "int": 1,
    "str": "text",
    "pairs": [("a", 1)],
    "int key": {1: "a"},
    "one int key": {**{str(number): number for number in range(50)}, 1: "a"},
}
NOT_TTLS: dict[str, Any] = {
    "zero": 0,
    "zero float": 0.0,
    "negative": -1,
    "negative float": -0.5,
    "true": True,
    "false": False,
    "str": "10",
    "nan": math.nan,
    "decimal nan": Decimal("nan"),
    "inf": math.inf,
    "negative inf": -math.inf,
    "beyond the calendar": 1e12,
    "maxsize": sys.maxsize,
    "beyond float": 10**400,
    "zero timedelta": timedelta(),
    "negative timedelta": timedelta(seconds=-1),
    "timedelta beyond the calendar": timedelta.max,
    "list": [10],
}
TTLS: dict[str, Any] = {
    "int": 300,
    "float": 300.5,
    "decimal": Decimal("300.5"),
    "fraction": Fraction(601, 2),
    "years": 3e8,
    "timedelta": timedelta(minutes=5),
}


class ArgumentConformance(Conformance):
    """An invalid argument raises a specific error before any I/O, and changes nothing."""

    @over(key=NOT_KEYS, operation=named("get", "ttl", "delete"))
    async def test_a_key_that_is_no_string_is_a_type_error(
        self, store: Store, collection: str, operation: str, key: Any
    ) -> None:
        with pytest.raises(TypeError):
            await getattr(store, operation)(key, collection=collection)

    @over(key=NOT_KEYS, operation=named("get_many", "ttl_many", "delete_many"))
    async def test_one_key_of_a_batch_that_is_no_string_is_a_type_error(
        self, store: Store, collection: str, operation: str, key: Any
    ) -> None:
        with pytest.raises(TypeError):
            await getattr(store, operation)(["a", "b", key], collection=collection)

    @over("write", key=NOT_KEYS)
    async def test_writing_to_a_key_that_is_no_string_is_a_type_error(
        self, store: Store, collection: str, write: Write, key: Any
    ) -> None:
        with pytest.raises(TypeError):
            await write(store, key, {"a": 1}, collection=collection)

    @over(operation=named("get_many", "ttl_many", "delete_many", "put_many"))
    async def test_one_string_in_place_of_keys_is_a_type_error(
        self, store: Store, collection: str, operation: str
    ) -> None:
        values = ([{"a": 1}] * 3,) if operation == "put_many" else ()
        with pytest.raises(TypeError):
            await getattr(store, operation)("abc", *values, collection=collection)

    @over(operation=named(*READS, "delete", "delete_many", "put", "put_many"))
    async def test_a_collection_that_is_no_string_is_a_type_error(self, store: Store, operation: str) -> None:
        many = operation.endswith("many")
        value: tuple[Any, ...] = ([{"a": 1}] if many else {"a": 1},) if operation.startswith("put") else ()
        with pytest.raises(TypeError):
            await getattr(store, operation)(["key"] if many else "key", *value, collection=1)

    @over("write", value=NOT_VALUES)
    async def test_a_value_that_maps_no_strings_is_a_type_error(
        self, store: Store, collection: str, write: Write, value: Any
    ) -> None:
        await store.put("old", {"old": 1}, collection=collection)
        for key in ("new", "old"):
            with pytest.raises(TypeError):
                await write(store, key, value, collection=collection)
        assert await store.get("new", collection=collection) is None
        assert await store.get("old", collection=collection) == self.kept({"old": 1})

    @pytest.mark.parametrize(("keys", "values"), [(["a"], []), (["a", "b"], [{"x": 1}]), ([], [{"x": 1}])])
    async def test_batches_of_unequal_lengths_are_a_value_error(
        self, store: Store, collection: str, keys: list[str], values: Sequence[dict[str, Any]]
    ) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            await store.put_many(keys, values, collection=collection)
        assert await store.get_many(["a", "b"], collection=collection) == [None, None]

    async def test_a_batch_with_one_bad_value_stores_nothing(self, store: Store, collection: str) -> None:
        with pytest.raises(TypeError):
            await store.put_many(["a", "b"], [{"x": 1}, 2], collection=collection)  # pyright: ignore[reportArgumentType]: the mistake under test
        assert await store.get("a", collection=collection) is None

    @over("write")
    async def test_a_ttl_that_is_no_lifetime_is_an_invalid_ttl_error(
        self, store: Store, collection: str, write: Write
    ) -> None:
        await store.put("old", {"old": 1}, collection=collection)

        async def refuse(ttl: Any) -> None:
            for key in ("new", "old"):
                with pytest.raises(InvalidTTLError):
                    await write(store, key, {"new": 1}, collection=collection, ttl=ttl)
            assert await store.ttl("new", collection=collection) == (None, None)
            assert await store.ttl("old", collection=collection) == (self.kept({"old": 1}), None)

        await try_each(NOT_TTLS, refuse)

    @over("write", ttl=TTLS)
    async def test_any_positive_number_or_timedelta_is_a_ttl(
        self, store: Store, collection: str, write: Write, ttl: Any
    ) -> None:
        await write(store, "key", {"a": 1}, collection=collection, ttl=ttl)
        value, seconds = await store.ttl("key", collection=collection)
        assert value == self.kept({"a": 1})
        assert (seconds is not None) is self.remembers

    @needs(AsyncEnumerateCollectionsProtocol)
    @over("write")
    async def test_a_refused_write_creates_no_collection(
        self, store: Store, collection: str, write: Write
    ) -> None:
        collections = self.ability(store, AsyncEnumerateCollectionsProtocol).collections
        with pytest.raises(InvalidTTLError):
            await write(store, "key", {"a": 1}, collection=collection, ttl=0)
        assert collection not in await collections()
