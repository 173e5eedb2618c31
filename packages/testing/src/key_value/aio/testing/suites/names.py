"""Names: any string is a valid key and collection, and no two pairs share an address."""

from asyncio import gather

from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.testing.hostile_names import AMBIGUOUS_PAIRS, HOSTILE_NAMES, label
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import try_each

NAMES = {label(name): name for name in HOSTILE_NAMES}


class NameConformance(Conformance):
    """No part of a name has a special meaning: an entry is found under its exact name only."""

    async def test_any_name_is_a_key(self, store: Store, collection: str) -> None:
        async def use(name: str) -> None:
            await store.put(name, {"name": "single"}, collection=collection)
            assert await store.get(name, collection=collection) == {"name": "single"}
            await store.put_many([name], [{"name": "batch"}], collection=collection, ttl=1000)
            assert await store.get_many([name], collection=collection) == [{"name": "batch"}]
            [(_, left)] = await store.ttl_many([name], collection=collection)
            assert left is not None
            assert await store.delete_many([name], collection=collection) == 1
            assert await store.get(name, collection=collection) is None

        await try_each(NAMES, use, at_once=True)

    async def test_any_name_is_a_collection(self, store: Store, collection: str) -> None:
        key = collection

        async def use(name: str) -> None:
            await store.put(key, {"name": "single"}, collection=name)
            assert await store.get(key, collection=name) == {"name": "single"}
            await store.put_many([key], [{"name": "batch"}], collection=name, ttl=1000)
            assert await store.get_many([key], collection=name) == [{"name": "batch"}]
            assert await store.get(key, collection=collection) is None
            assert await store.delete(key, collection=name) is True
            assert await store.get(key, collection=name) is None

        await try_each(NAMES, use, at_once=True)

    async def test_an_empty_key_is_a_key(self, store: Store, collection: str) -> None:
        await store.put("", {"a": 1}, collection=collection)
        assert await store.get_many(["", " "], collection=collection) == [{"a": 1}, None]
        assert await store.delete("", collection=collection) is True

    async def test_no_two_keys_share_an_address(self, store: Store, collection: str) -> None:
        keys = ["", *HOSTILE_NAMES]
        values = [{"index": index} for index in range(len(keys))]
        await store.put_many(keys, values, collection=collection)
        assert await store.get_many(keys, collection=collection) == values

    async def test_no_two_collections_share_an_address(self, store: Store, collection: str) -> None:
        key = collection
        await gather(
            *(store.put(key, {"index": index}, collection=name) for index, name in enumerate(HOSTILE_NAMES))
        )
        found = await gather(*(store.get(key, collection=name) for name in HOSTILE_NAMES))
        assert found == [{"index": index} for index in range(len(HOSTILE_NAMES))]

    async def test_no_two_pairs_share_an_address(self, store: Store, collection: str) -> None:
        async def tell_apart(case: tuple[int, tuple[tuple[str, str], tuple[str, str]]]) -> None:
            number, two = case
            # The unique part at the end of both keys leaves the pair as ambiguous as it was.
            pairs = [(name, f"{key}{collection}{number}") for name, key in two]
            for index, (name, key) in enumerate(pairs):
                await store.put(key, {"index": index}, collection=name)
            found = [await store.get(key, collection=name) for name, key in pairs]
            assert found == [{"index": 0}, {"index": 1}]
            assert [await store.delete(key, collection=name) for name, key in pairs] == [True, True]

        await try_each({str(case): case for case in enumerate(AMBIGUOUS_PAIRS)}, tell_apart, at_once=True)

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_tells_names_apart(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        stored = await gather(*(put_if_absent(name, {}, collection=collection) for name in HOSTILE_NAMES))
        assert stored == [True] * len(HOSTILE_NAMES)

    @needs(AsyncEnumerateKeysProtocol)
    async def test_keys_are_listed_as_they_were_given(self, store: Store, collection: str) -> None:
        list_keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        keys = ["", *HOSTILE_NAMES]
        await store.put_many(keys, [{"n": 1}] * len(keys), collection=collection)
        assert sorted(await list_keys(collection)) == sorted(keys)

    @needs(AsyncEnumerateCollectionsProtocol)
    async def test_collections_are_listed_as_they_were_given(self, store: Store, collection: str) -> None:
        list_collections = self.ability(store, AsyncEnumerateCollectionsProtocol).collections
        names = [f"{name}{collection}" for name in HOSTILE_NAMES]
        await gather(*(store.put("key", {}, collection=name) for name in names))
        listed = await list_collections()
        assert sorted(name for name in listed if name.endswith(collection)) == sorted(names)

    @needs(AsyncEnumerateKeysProtocol)
    async def test_keys_are_listed_in_their_own_collection(self, store: Store, collection: str) -> None:
        list_keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        key = collection
        names = [f"{name}{collection}" for name in HOSTILE_NAMES]
        await gather(*(store.put(f"{key}-{index}", {}, collection=name) for index, name in enumerate(names)))
        listed = await gather(*(list_keys(name) for name in names))
        assert listed == [[f"{key}-{index}"] for index in range(len(names))]

    @needs(AsyncDestroyCollectionProtocol)
    async def test_a_collection_is_destroyed_with_no_other(self, store: Store, collection: str) -> None:
        """A name is never a pattern, a prefix or a path, whatever it looks like."""
        destroy = self.ability(store, AsyncDestroyCollectionProtocol).destroy_collection
        names = [f"{collection}{name}" for name in ("", "2", *HOSTILE_NAMES)]
        destroyed = names[::2]
        await gather(
            *(store.put("key", {"index": index}, collection=name) for index, name in enumerate(names))
        )
        assert [await destroy(name) for name in destroyed] == [True] * len(destroyed)
        found = await gather(*(store.get("key", collection=name) for name in names))
        assert found[::2] == [None] * len(destroyed)
        assert found[1::2] == [{"index": index} for index in range(1, len(names), 2)]
