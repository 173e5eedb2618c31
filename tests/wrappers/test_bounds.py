"""Bounds for TTLs and sizes, and defaults."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from key_value.aio.errors import EntryTooLargeError, EntryTooSmallError, InvalidTTLError, SerializationError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.default_value import DefaultValueWrapper
from key_value.aio.wrappers.limit_size import LimitSizeWrapper
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper
from tests.wrappers.able import FullStore, able

SMALL = {"a": 1}
LARGE = {"a": "x" * 100}


class TestTTLClamp:
    @pytest.mark.parametrize(("ttl", "expected"), [(1, 10), (50, 50), (500, 100), (None, None)])
    async def test_times_to_live_are_within_the_bounds(
        self, ttl: float | None, expected: float | None
    ) -> None:
        store = TTLClampWrapper(MemoryStore(), min_ttl=10, max_ttl=100)
        await store.put("k", SMALL, ttl=ttl)
        await store.put_many(["l"], [SMALL], ttl=ttl)
        await able(store).put_if_absent("m", SMALL, ttl=ttl)
        for _, seconds in await store.ttl_many(["k", "l", "m"]):
            assert seconds == (None if expected is None else pytest.approx(expected, abs=1))

    async def test_writes_by_version_and_touches_are_within_the_bounds(self) -> None:
        store = able(TTLClampWrapper(able(FullStore()), min_ttl=10, max_ttl=100, missing_ttl=50))
        await store.put("k", SMALL)
        found = await store.get_versioned("k")
        assert found is not None
        await store.put_if_version("k", SMALL, version=found.version, ttl=1)
        assert (await store.ttl("k"))[1] == pytest.approx(10, abs=1)
        for ttl, expected in ((500, 100), (None, 50)):
            await store.touch("k", ttl=ttl)
            assert (await store.ttl("k"))[1] == pytest.approx(expected, abs=1)

    async def test_bounds_are_timedeltas_too(self) -> None:
        hour = timedelta(hours=1)
        store = TTLClampWrapper(MemoryStore(), timedelta(), hour, missing_ttl=timedelta(minutes=1))
        assert (store.min_ttl, store.max_ttl, store.missing_ttl) == (0, 3600, 60)
        await store.put("k", SMALL, ttl=2 * hour)
        assert (await store.ttl("k"))[1] == pytest.approx(3600, abs=1)
        with pytest.raises(InvalidTTLError):
            TTLClampWrapper(MemoryStore(), -hour, hour)

    @pytest.mark.parametrize(("missing", "expected"), [(50, 50), (5, 10), (500, 100)])
    async def test_a_missing_one_is_within_the_bounds_too(self, missing: float, expected: float) -> None:
        store = TTLClampWrapper(MemoryStore(), min_ttl=10, max_ttl=100, missing_ttl=missing)
        await store.put("k", SMALL)
        assert (await store.ttl("k"))[1] == pytest.approx(expected, abs=1)

    @pytest.mark.parametrize("ttl", [0, -1, True, math.nan, math.inf, "10"])
    async def test_what_is_no_lifetime_is_refused(self, ttl: Any) -> None:
        store = TTLClampWrapper(MemoryStore(), 0, 100)
        with pytest.raises(InvalidTTLError):
            await store.put("k", SMALL, ttl=ttl)
        assert await store.get("k") is None

    def test_bounds_that_mean_nothing_are_refused(self) -> None:
        with pytest.raises(ValueError, match="10 is more than 5"):
            TTLClampWrapper(MemoryStore(), 10, 5)
        for arguments in ((0, 0), (-1, 5), (0, math.inf), (False, 5), (0, 5, 0)):
            with pytest.raises(InvalidTTLError):
                TTLClampWrapper(MemoryStore(), *arguments)


class TestLimitSize:
    async def test_raises_and_leaves_what_was_there(self) -> None:
        store = LimitSizeWrapper(MemoryStore(), max_size=50)
        await store.put("k", SMALL)
        with pytest.raises(EntryTooLargeError) as caught:
            await store.put("k", LARGE, collection="c")
        assert caught.value.extra_info == {"size": 109, "max_size": 50, "collection": "c", "key": "k"}
        with pytest.raises(EntryTooLargeError):
            await store.put_many(["l", "k"], [SMALL, LARGE])
        assert await store.get_many(["k", "l"]) == [SMALL, None]

    async def test_what_is_not_stored_leaves_nothing_stale(self) -> None:
        store = LimitSizeWrapper(MemoryStore(), max_size=50, raise_on_too_large=False)
        await store.put_many(["a", "b", "c"], [SMALL] * 3)
        await store.put("a", LARGE)
        await store.put_many(["b", "c"], [{"n": 2}, LARGE], ttl=100)
        assert await store.get_many(["a", "b", "c"]) == [None, {"n": 2}, None]
        assert await able(store).put_if_absent("a", LARGE) is False

    @pytest.mark.parametrize("ttl", [-1, 0, math.nan])
    async def test_a_wrong_ttl_leaves_what_was_there(self, ttl: float) -> None:
        store = LimitSizeWrapper(MemoryStore(), max_size=50, raise_on_too_large=False)
        await store.put("k", SMALL)
        for write in (
            store.put("k", LARGE, ttl=ttl),
            store.put_many(["k"], [LARGE], ttl=ttl),
            able(store).put_if_absent("x", LARGE, ttl=ttl),
        ):
            with pytest.raises(InvalidTTLError):
                await write
        assert await store.get("k") == SMALL

    async def test_a_write_by_version_is_limited_too(self) -> None:
        inner = able(FullStore())
        await inner.put("k", SMALL)
        found = await inner.get_versioned("k")
        assert found is not None
        with pytest.raises(EntryTooLargeError):
            await able(LimitSizeWrapper(inner, max_size=50)).put_if_version("k", LARGE, version=found.version)
        assert await inner.get("k") == SMALL
        skipping = able(LimitSizeWrapper(inner, max_size=50, raise_on_too_large=False))
        assert await skipping.put_if_version("k", LARGE, version="other") is None
        assert await inner.get("k") == SMALL
        assert await skipping.put_if_version("k", LARGE, version=found.version) is None
        assert await inner.get("k") is None

    async def test_a_minimum(self) -> None:
        store = LimitSizeWrapper(MemoryStore(), min_size=20)
        await store.put("k", LARGE)
        await store.put("k", SMALL)
        assert await store.get("k") is None
        with pytest.raises(EntryTooSmallError):
            await LimitSizeWrapper(MemoryStore(), min_size=20, raise_on_too_small=True).put("k", SMALL)

    @pytest.mark.parametrize("value", [{"a": "é"}, {"b": 1, "a": [1, 2]}])
    async def test_the_size_is_that_of_escaped_json(self, value: Mapping[str, Any]) -> None:
        size = {"a": len('{"a": "\\u00e9"}'), "b": len('{"a": [1, 2], "b": 1}')}[next(iter(value))]
        await LimitSizeWrapper(MemoryStore(), min_size=size, max_size=size, raise_on_too_small=True).put(
            "k", value
        )


class TestDefaultValue:
    async def test_is_read_where_a_key_is_missing(self) -> None:
        inner = MemoryStore()
        store = DefaultValueWrapper(inner, {"a": [1]}, default_ttl=5)
        await store.put("k", SMALL, ttl=100)
        assert await store.get("x") == {"a": [1]}
        assert await store.get_many(["k", "x"]) == [SMALL, {"a": [1]}]
        assert await store.ttl("x") == ({"a": [1]}, 5.0)
        assert (await store.ttl_many(["x", "k"]))[0] == ({"a": [1]}, 5.0)
        assert await inner.get("x") is None
        assert await store.delete("x") is False
        assert await able(store).put_if_absent("x", SMALL) is True

    async def test_its_ttl_is_a_timedelta_too(self) -> None:
        store = DefaultValueWrapper(MemoryStore(), {}, default_ttl=timedelta(minutes=1))
        assert await store.ttl("x") == ({}, 60.0)

    async def test_is_a_copy_each_time(self) -> None:
        default: dict[str, Any] = {"a": [1]}
        store = DefaultValueWrapper(MemoryStore(), default)
        default["a"].append(2)
        found = await store.get("x")
        found["a"].append(3)
        assert await store.get("x") == {"a": [1]}

    def test_must_be_json(self) -> None:
        with pytest.raises(SerializationError):
            DefaultValueWrapper(MemoryStore(), {"a": {1}})


def test_a_bound_is_given() -> None:
    nothing: Any = None
    for bounds in ({"min_ttl": nothing, "max_ttl": 5}, {"min_ttl": 0, "max_ttl": nothing}):
        with pytest.raises(InvalidTTLError, match="not a NoneType"):
            TTLClampWrapper(MemoryStore(), **bounds)
