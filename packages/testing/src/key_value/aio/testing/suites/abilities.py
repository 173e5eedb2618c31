"""Abilities: a store has exactly those that it declares, and each behaves as its protocol promises."""

from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import ABILITIES, Conformance


class AbilityConformance(Conformance):
    """`isinstance` checks are reliable, and their promises are kept."""

    async def test_speaks_the_protocol(self, store: Store) -> None:
        assert isinstance(store, AsyncKeyValue)

    async def test_has_the_abilities_that_are_declared_and_no_others(self, store: Store) -> None:
        assert {ability for ability in ABILITIES if isinstance(store, ability)} == self.abilities

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_stores_where_nothing_is(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        assert await put_if_absent("key", {"n": 1}, collection=collection, ttl=1000) is True
        value, left = await store.ttl("key", collection=collection)
        assert value == {"n": 1}
        assert left is not None

    @needs(AsyncPutIfAbsentProtocol)
    async def test_put_if_absent_leaves_what_is_there(self, store: Store, collection: str) -> None:
        put_if_absent = self.ability(store, AsyncPutIfAbsentProtocol).put_if_absent
        await store.put("key", {}, collection=collection)
        assert await put_if_absent("key", {"n": 2}, collection=collection) is False
        assert await store.get("key", collection=collection) == {}
        assert await put_if_absent("key", {"n": 2}, collection=f"{collection}2") is True

    @needs(AsyncCullProtocol)
    async def test_cull_of_nothing_is_no_error(self, store: Store, collection: str) -> None:
        cull = self.ability(store, AsyncCullProtocol).cull
        await cull()
        await store.put("key", {"n": 1}, collection=collection)
        await cull()
        assert await store.get("key", collection=collection) == {"n": 1}
