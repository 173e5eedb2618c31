from typing import Any

import pytest

from key_value.aio.errors import StoreClosedError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.routing import CollectionRoutingWrapper, RoutingWrapper
from tests.wrappers.able import able


async def test_a_function_names_the_store() -> None:
    default, users = MemoryStore(), MemoryStore()
    asked: list[str | None] = []

    def route(collection: str | None) -> AsyncKeyValue | None:
        asked.append(collection)
        return users if collection == "users" else None

    store = RoutingWrapper(route, default)
    await store.put("k", {"n": 1}, collection="users")
    await store.put_many(["k"], [{"n": 2}])
    assert asked == ["users", None]
    assert await users.get("k", collection="users") == {"n": 1}
    assert await default.get("k") == {"n": 2}
    assert await store.get_many(["k"], collection="users") == [{"n": 1}]
    assert await store.ttl("k") == ({"n": 2}, None)
    assert await store.delete("k", collection="users") is True


async def test_a_mapping_names_the_store() -> None:
    default, users, plain = MemoryStore(), MemoryStore(), MemoryStore()
    store = CollectionRoutingWrapper({"users": users, "default_collection": plain}, default)
    await store.put("k", {"n": 1}, collection="users")
    await store.put("k", {"n": 2})
    await store.put("k", {"n": 3}, collection="others")
    assert [await inner.collections() for inner in (users, plain, default)] == [
        ["users"],
        ["default_collection"],
        ["others"],
    ]


async def test_lists_and_destroys_what_leads_to_each_store() -> None:
    default, users = MemoryStore(), MemoryStore()
    await default.put("hidden", {"n": 0}, collection="users")
    store = able(CollectionRoutingWrapper({"users": users}, default))
    await store.put("k", {"n": 1}, collection="users")
    await store.put("k", {"n": 2}, collection="others")
    assert sorted(await store.collections()) == ["others", "users"]
    assert await store.keys("users") == ["k"]
    assert await store.put_if_absent("k", {}, collection="users") is False
    assert await store.destroy_collection("users") is True
    assert await default.get("hidden", collection="users") == {"n": 0}
    assert not hasattr(store, "destroy")


async def test_closes_the_stores_that_it_knows() -> None:
    default, users = MemoryStore(), MemoryStore()
    async with CollectionRoutingWrapper({"users": users}, default) as store:
        await store.put("k", {"n": 1}, collection="users")
    for inner in (default, users):
        with pytest.raises(StoreClosedError):
            await inner.get("k")


async def test_a_store_that_counts_its_entries_is_used_while_it_has_none() -> None:
    class Counting(MemoryStore):
        def __len__(self) -> int:
            return 0

    users, default = Counting(), MemoryStore()
    store = RoutingWrapper(lambda _: users, default)
    await store.put("k", {"n": 1})
    assert await users.get("k") == {"n": 1}
    assert await default.get("k") is None


def test_has_the_abilities_that_all_stores_have() -> None:
    able_store = MemoryStore()
    assert hasattr(RoutingWrapper(lambda _: None, able_store, stores=[able_store]), "keys")
    assert not hasattr(RoutingWrapper(lambda _: None, able_store), "keys")
    assert not hasattr(CollectionRoutingWrapper({"a": NullStore()}, able_store), "keys")


async def test_no_default_store_is_needed_where_each_collection_has_one() -> None:
    users = MemoryStore()
    nothing: Any = None
    async with RoutingWrapper(lambda _: users, nothing) as store:
        await store.put("k", {"n": 1})
        assert await users.get("k") == {"n": 1}
