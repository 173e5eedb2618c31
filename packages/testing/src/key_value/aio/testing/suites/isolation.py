"""Isolation: values are copied in both directions, and reads leave no trace."""

from typing import Any

from key_value.aio.protocols.key_value import AsyncEnumerateCollectionsProtocol, AsyncEnumerateKeysProtocol
from key_value.aio.testing.operations import READS, Read, Store, Write
from key_value.aio.testing.selection import needs
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import named, over


def _value() -> dict[str, Any]:
    return {"list": [1, {"a": [2]}], "dict": {"b": 3}}


def _spoil(value: dict[str, Any]) -> None:
    value["list"][1]["a"].append("spoiled")
    value["dict"]["b"] = "spoiled"
    value["new"] = "spoiled"


class IsolationConformance(Conformance):
    """Only a write changes stored values."""

    @over("write")
    async def test_a_change_of_what_was_written_stays_outside(
        self, store: Store, collection: str, write: Write
    ) -> None:
        value = _value()
        await write(store, "key", value, collection=collection)
        _spoil(value)
        assert await store.get("key", collection=collection) == _value()

    @over("read")
    async def test_a_change_of_what_was_read_stays_outside(
        self, store: Store, collection: str, read: Read
    ) -> None:
        await store.put("key", _value(), collection=collection)
        found = await read(store, "key", collection=collection)
        assert found is not None
        _spoil(found)
        assert await store.get("key", collection=collection) == _value()

    @over(operation=named("get_many", "ttl_many"))
    async def test_a_key_read_twice_in_a_batch_gives_two_copies(
        self, store: Store, collection: str, operation: str
    ) -> None:
        await store.put("key", _value(), collection=collection)
        first, second = await getattr(store, operation)(["key", "key"], collection=collection)
        if operation == "ttl_many":
            (first, _), (second, _) = first, second
        _spoil(first)
        assert second == _value()

    async def test_one_value_written_under_two_keys_is_two_entries(
        self, store: Store, collection: str
    ) -> None:
        value = _value()
        await store.put_many(["a", "b"], [value, value], collection=collection)
        found = await store.get("a", collection=collection)
        assert found is not None
        _spoil(found)
        assert await store.get("b", collection=collection) == _value()

    @needs(AsyncEnumerateCollectionsProtocol)
    @over(operation=named(*READS, "delete", "delete_many"))
    async def test_a_read_creates_no_collection(self, store: Store, collection: str, operation: str) -> None:
        collections = self.ability(store, AsyncEnumerateCollectionsProtocol).collections
        key = ["key"] if operation.endswith("many") else "key"
        await getattr(store, operation)(key, collection=collection)
        assert collection not in await collections()

    @needs(AsyncEnumerateCollectionsProtocol, AsyncEnumerateKeysProtocol)
    async def test_a_list_of_keys_creates_no_collection(self, store: Store, collection: str) -> None:
        await self.ability(store, AsyncEnumerateKeysProtocol).keys(collection)
        assert collection not in await self.ability(store, AsyncEnumerateCollectionsProtocol).collections()

    @needs(AsyncEnumerateKeysProtocol)
    @over("read")
    async def test_a_read_creates_no_key(self, store: Store, collection: str, read: Read) -> None:
        keys = self.ability(store, AsyncEnumerateKeysProtocol).keys
        await store.put("key", {"a": 1}, collection=collection)
        assert await read(store, "missing", collection=collection) is None
        assert await keys(collection) == ["key"]
