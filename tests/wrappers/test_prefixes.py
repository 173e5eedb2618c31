"""Wrappers that rename as in 0.5, except for names that could belong to another prefix."""

import pytest
from typing_extensions import override

from key_value.aio.protocols import Page
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.prefix_collections import PrefixCollectionsWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.single_collection import SingleCollectionWrapper
from tests.wrappers.able import able

PREFIXES = ["a", "a_", "a__", "a__b", "_a", "", "_", "__", "a%5F", "é", "a b", "a%"]


async def test_plain_names_stay_where_0_5_put_them() -> None:
    inner = MemoryStore()
    await PrefixKeysWrapper(inner, "app").put("k__1", {"n": 1}, collection="c")
    await PrefixCollectionsWrapper(inner, "prod").put("k", {"n": 2}, collection="users")
    await PrefixCollectionsWrapper(inner, "prod").put("k", {"n": 3})
    await SingleCollectionWrapper(inner, "all").put("k", {"n": 4}, collection="users")
    await SingleCollectionWrapper(inner, "all", separator=":", default_collection="d").put("k", {"n": 5})
    assert await inner.get("app__k__1", collection="c") == {"n": 1}
    assert await inner.get("k", collection="prod__users") == {"n": 2}
    assert await inner.get("k", collection="prod__default_collection") == {"n": 3}
    assert await inner.get("users__k", collection="all") == {"n": 4}
    assert await inner.get("d:k", collection="all") == {"n": 5}


@pytest.mark.parametrize("wrapper", [PrefixKeysWrapper, PrefixCollectionsWrapper])
async def test_no_prefix_can_be_escaped_from(
    wrapper: type[PrefixKeysWrapper | PrefixCollectionsWrapper],
) -> None:
    inner = MemoryStore()
    stores = {prefix: wrapper(inner, prefix) for prefix in PREFIXES}
    names = ["x", "_x", "__x", "b__x", "_", "__", "_b__x", ""]
    for prefix, store in stores.items():
        for name in names:
            await store.put(f"k{name}", {"by": prefix}, collection=f"c{name}")
            await store.put(name, {"by": prefix}, collection=name)
    for prefix, store in stores.items():
        for name in names:
            assert await store.get(f"k{name}", collection=f"c{name}") == {"by": prefix}
            assert await store.get(name, collection=name) == {"by": prefix}
            assert await able(store).keys(f"c{name}") == [f"k{name}"]


@pytest.mark.parametrize("separator", ["__", ":", "::", "_-_"])
async def test_no_collection_of_one_can_be_escaped_from(separator: str) -> None:
    store = SingleCollectionWrapper(MemoryStore(), "all", separator=separator)
    names = ["a", "a_", "a__b", "a:", "a::b", "a_-", "a_-_b", "_", ":", "%5F", "a%3A"]
    keys = ["c", "_c", "__c", ":c", "b::c", "-_c", ""]
    for name in names:
        for key in keys:
            await store.put(key, {"in": name}, collection=name)
    for name in names:
        assert sorted(await able(store).keys(name)) == sorted(keys)
        assert await store.get_many(keys, collection=name) == [{"in": name}] * len(keys)
    assert sorted(await able(store).collections()) == sorted(names)
    assert await able(store).destroy_collection("a_") is True
    assert sorted(await able(store).collections()) == sorted(set(names) - {"a_"})
    assert await able(store).destroy_collection("a_") is False


async def test_what_others_put_there_is_neither_listed_nor_destroyed() -> None:
    inner = MemoryStore()
    await inner.put("key", {"n": 1}, collection="all")
    await inner.put("other__key", {"n": 1}, collection="other")
    wrappers: list[BaseWrapper] = [
        PrefixKeysWrapper(inner, "p"),
        PrefixCollectionsWrapper(inner, "p"),
        SingleCollectionWrapper(inner, "all"),
    ]
    assert not any(hasattr(wrapper, "destroy") for wrapper in wrappers)
    assert await able(PrefixKeysWrapper(inner, "p")).keys("all") == []
    assert await able(PrefixCollectionsWrapper(inner, "p")).collections() == []
    assert await able(SingleCollectionWrapper(inner, "all")).collections() == []
    assert await able(SingleCollectionWrapper(inner, "all")).destroy_collection("other") is False
    assert await inner.get("key", collection="all") == {"n": 1}


async def test_a_limit_counts_what_is_listed() -> None:
    inner = MemoryStore()
    await inner.put_many([f"x{n}" for n in range(10)], [{"n": 1}] * 10, collection="c")
    store = PrefixKeysWrapper(inner, "p")
    await store.put_many(["a", "b", "c"], [{"n": 1}] * 3, collection="c")
    assert len(await able(store).keys("c", limit=2)) == 2
    assert len(await able(store).keys("c", limit=5)) == 3


class Scanned(MemoryStore):
    """A store that counts listed keys, and must not be listed through `keys`."""

    listed = 0

    @override
    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        page = await super().scan(collection, prefix=prefix, cursor=cursor, limit=limit)
        self.listed += len(page.keys)
        return page

    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        raise AssertionError("the whole collection was listed")


@pytest.mark.parametrize("limit", [0, 1, 150, 1000])
async def test_a_limit_bounds_what_is_read(limit: int) -> None:
    inner = Scanned()
    await inner.put_many([f"x{n}" for n in range(3000)], [{"n": 1}] * 3000, collection="c")
    for store in (PrefixKeysWrapper(inner, "p"), SingleCollectionWrapper(inner, "c")):
        keys = [f"k{n}" for n in range(300)]
        await store.put_many(keys, [{"n": 1}] * 300, collection="c")
        inner.listed = 0
        found = await able(store).keys("c", limit=limit)
        assert len(found) == len(set(found)) == min(limit, 300)
        assert set(found) <= set(keys)
        assert inner.listed <= limit
        with pytest.raises(ValueError, match="limit"):
            await able(store).keys("c", limit=-1)


async def test_the_default_collection_is_the_wrappers() -> None:
    inner = MemoryStore(default_collection="inner")
    store = PrefixCollectionsWrapper(inner, "p", default_collection="mine")
    await store.put("k", {"n": 1})
    assert await inner.collections() == ["p__mine"]
    assert await store.get("k", collection="mine") == {"n": 1}
    assert await able(store).keys() == ["k"]
