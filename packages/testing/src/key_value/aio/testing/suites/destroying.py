"""Destroying: a whole collection, or everything, but nothing else, and the store stays usable."""

from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateKeysProtocol,
)
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over


class DestroyingConformance(Conformance):
    """Destroyed entries are gone, other entries are untouched, and both collections can be used again."""

    @needs(AsyncDestroyCollectionProtocol)
    async def test_destroy_collection_removes_its_entries(self, store: Store, collection: str) -> None:
        destroy = self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection
        await store.put_many(["a", "b"], [{"n": 1}] * 2, collection=collection)
        assert await destroy(collection) is True
        assert await store.get_many(["a", "b"], collection=collection) == [None, None]
        assert await store.delete("a", collection=collection) is False
        if AsyncEnumerateKeysProtocol in self.abilities:
            assert await self.ability(store, AsyncEnumerateKeysProtocol).keys(collection) == []

    @needs(AsyncDestroyCollectionProtocol)
    async def test_destroy_of_an_unknown_collection_is_false(self, store: Store, collection: str) -> None:
        destroy = self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection
        assert await destroy(collection) is False

    @needs(AsyncDestroyCollectionProtocol)
    async def test_a_destroyed_collection_can_be_used_again(self, store: Store, collection: str) -> None:
        destroy = self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection
        for number in range(2):
            await store.put("key", {"n": number}, collection=collection)
            assert await store.get("key", collection=collection) == {"n": number}
            assert await destroy(collection) is True

    @needs(AsyncDestroyCollectionProtocol)
    @over(neighbour=named("{}2", "{}::a", "{}/a", "{}*", "2{}", "*", "{}_"))
    async def test_destroy_collection_spares_its_neighbours(
        self, store: Store, collection: str, neighbour: str
    ) -> None:
        destroy = self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection
        key, other = collection, neighbour.format(collection)
        for first, second in ((collection, other), (other, collection)):
            await store.put(key, {"n": 1}, collection=first)
            await store.put(key, {"n": 2}, collection=second)
            await destroy(first)
            assert await store.get(key, collection=first) is None
            assert await store.get(key, collection=second) == {"n": 2}

    @needs(AsyncDestroyStoreProtocol)
    async def test_destroy_removes_everything(self, store: Store, collection: str) -> None:
        destroy = self.ability(store, AsyncDestroyStoreProtocol).destroy
        await store.put("key", {"n": 1}, collection=collection)
        await store.put("key", {"n": 2}, collection=f"{collection}::a")
        await store.put(collection, {"n": 3})
        assert await destroy() is True
        assert await store.get("key", collection=collection) is None
        assert await store.get("key", collection=f"{collection}::a") is None
        assert await store.get(collection) is None

    @needs(AsyncDestroyStoreProtocol)
    async def test_a_destroyed_store_can_be_used_again(self, store: Store, collection: str) -> None:
        destroy = self.ability(store, AsyncDestroyStoreProtocol).destroy
        for number in range(2):
            await store.put("key", {"n": number}, collection=collection)
            await store.put_many(["other"], [{"n": number}], collection=collection, ttl=1000)
            assert await store.get("key", collection=collection) == {"n": number}
            assert await destroy() is True

    @needs(AsyncDestroyStoreProtocol)
    async def test_destroy_of_an_empty_store_is_no_error(self, store: Store) -> None:
        destroy = self.ability(store, AsyncDestroyStoreProtocol).destroy
        assert [await destroy() for _ in range(2)] == [True, True]
