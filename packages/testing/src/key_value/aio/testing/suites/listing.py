"""Listing: all keys and collections, each exactly once, up to the caller's limit."""

import pytest

from key_value.aio.protocols.key_value import (
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
)
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance, nightly
from key_value.aio.testing.trials import named, over


class ListingConformance(Conformance):
    """A list is complete, or as long as the limit."""

    @needs(AsyncEnumerateKeysProtocol)
    async def test_lists_the_keys_of_a_collection(self, store: Store, collection: str) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        await store.put_many(["a", "b", "c"], [{"n": 1}] * 3, collection=collection)
        await store.put("other", {"n": 1}, collection=f"{collection}2")
        await store.delete("b", collection=collection)
        await store.put("a", {"n": 2}, collection=collection)
        assert sorted(await keys(collection)) == ["a", "c"]
        assert sorted(await keys(collection=collection, limit=None)) == ["a", "c"]

    @needs(AsyncEnumerateKeysProtocol)
    async def test_an_unknown_collection_has_no_keys(self, store: Store, collection: str) -> None:
        assert await self.ability(store, AsyncEnumerateKeysProtocol).keys(collection) == []

    @needs(AsyncEnumerateKeysProtocol)
    @pytest.mark.parametrize("name", [None, ""], ids=["none", "empty"])
    async def test_no_collection_lists_the_default_one(
        self, store: Store, collection: str, name: str | None
    ) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        await store.put(collection, {"a": 1})
        assert collection in await keys(name)
        assert collection in await keys()

    @needs(AsyncEnumerateKeysProtocol)
    @pytest.mark.parametrize(
        ("limit", "count"), [(0, 0), (1, 1), (3, 3), (5, 5), (6, 5), (20_000, 5), (None, 5)]
    )
    async def test_lists_as_many_keys_as_the_limit(
        self, store: Store, collection: str, limit: int | None, count: int
    ) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        names = [f"key-{number}" for number in range(5)]
        await store.put_many(names, [{"n": 1}] * 5, collection=collection)
        listed = await keys(collection, limit=limit)
        assert len(listed) == len(set(listed)) == count
        assert set(listed) <= set(names)

    @needs(AsyncEnumerateKeysProtocol)
    async def test_lists_every_key_of_many(self, store: Store, collection: str) -> None:
        """No page size or hidden limit truncates the list."""
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        many = max(self.many, 10_001) if nightly() else self.many
        names = [f"key-{number}" for number in range(many)]
        await store.put_many(names, [{"n": 1}] * many, collection=collection)
        assert sorted(await keys(collection)) == sorted(names)
        assert len(set(await keys(collection, limit=many - 1))) == many - 1

    @needs(AsyncEnumerateCollectionsProtocol)
    async def test_lists_the_collections(self, store: Store, collection: str) -> None:
        collections = self.ability(store, AsyncEnumerateCollectionsProtocol).collections
        names = [f"{collection}-{number}" for number in range(3)]
        for name in names:
            await store.put_many(["a", "b"], [{}, {}], collection=name)
        assert sorted(name for name in await collections() if name.startswith(collection)) == names

    @needs(AsyncEnumerateCollectionsProtocol)
    @over(limit=named(0, 1, 3))
    async def test_lists_as_many_collections_as_the_limit(
        self, store: Store, collection: str, limit: int
    ) -> None:
        collections = self.ability(store, AsyncEnumerateCollectionsProtocol).collections
        for number in range(4):
            await store.put("key", {}, collection=f"{collection}-{number}")
        listed = await collections(limit=limit)
        assert len(listed) == len(set(listed)) == limit

    @needs(AsyncEnumerateKeysProtocol)
    @over(limit=named(-1, -10_000))
    async def test_a_negative_limit_of_keys_is_a_value_error(
        self, store: Store, collection: str, limit: int
    ) -> None:
        with pytest.raises(ValueError, match=str(limit)):
            await self.ability(store, AsyncEnumerateKeysProtocol).keys(collection, limit=limit)

    @needs(AsyncEnumerateCollectionsProtocol)
    @over(limit=named(-1, -10_000))
    async def test_a_negative_limit_of_collections_is_a_value_error(self, store: Store, limit: int) -> None:
        with pytest.raises(ValueError, match=str(limit)):
            await self.ability(store, AsyncEnumerateCollectionsProtocol).collections(limit=limit)
