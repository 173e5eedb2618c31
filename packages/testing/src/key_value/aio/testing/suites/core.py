"""Single entries: get, ttl, put and delete."""

from types import MappingProxyType
from uuid import uuid4

import pytest

from key_value.aio.testing.operations import Read, Store, Write
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.trials import over


class CoreConformance(Conformance):
    """A stored value is read back under its key, until it is replaced or deleted."""

    @over("read")
    async def test_reads_a_missing_key_as_none(self, store: Store, collection: str, read: Read) -> None:
        assert await read(store, "missing", collection=collection) is None

    @over("write", "read")
    async def test_reads_what_was_written(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        await write(store, "key", {"a": [1, {"b": None}]}, collection=collection)
        assert await read(store, "key", collection=collection) == {"a": [1, {"b": None}]}

    @over("read")
    async def test_reads_a_plain_dict(self, store: Store, collection: str, read: Read) -> None:
        await store.put("key", MappingProxyType({"a": 1}), collection=collection)
        assert type(await read(store, "key", collection=collection)) is dict

    @over("write", "read")
    async def test_an_empty_value_is_a_hit(
        self, store: Store, collection: str, write: Write, read: Read
    ) -> None:
        await write(store, "key", {}, collection=collection)
        assert await read(store, "key", collection=collection) == {}

    async def test_put_replaces_the_whole_value(self, store: Store, collection: str) -> None:
        await store.put("key", {"old": 1, "both": 1}, collection=collection)
        await store.put("key", {"new": 2, "both": 2}, collection=collection)
        assert await store.get("key", collection=collection) == {"new": 2, "both": 2}

    async def test_ttl_of_an_entry_without_expiry_is_none(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        assert await store.ttl("key", collection=collection) == ({"a": 1}, None)

    async def test_ttl_of_a_missing_key_is_none(self, store: Store, collection: str) -> None:
        assert await store.ttl("missing", collection=collection) == (None, None)

    @over("read")
    async def test_delete_removes_an_entry(self, store: Store, collection: str, read: Read) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        assert await store.delete("key", collection=collection) is True
        assert await read(store, "key", collection=collection) is None

    async def test_delete_of_a_missing_key_is_false(self, store: Store, collection: str) -> None:
        assert await store.delete("missing", collection=collection) is False

    async def test_delete_removes_an_entry_once(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.delete("key", collection=collection)
        assert await store.delete("key", collection=collection) is False

    @over("write")
    async def test_a_deleted_key_can_be_written_again(
        self, store: Store, collection: str, write: Write
    ) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.delete("key", collection=collection)
        await write(store, "key", {"a": 2}, collection=collection)
        assert await store.get("key", collection=collection) == {"a": 2}

    async def test_delete_removes_one_key_only(self, store: Store, collection: str) -> None:
        await store.put("key", {"a": 1}, collection=collection)
        await store.put("key2", {"a": 2}, collection=collection)
        await store.delete("key", collection=collection)
        assert await store.get("key2", collection=collection) == {"a": 2}

    async def test_collections_do_not_mix(self, store: Store, collection: str) -> None:
        other = f"{collection}-other"
        await store.put("key", {"in": "first"}, collection=collection)
        assert await store.get("key", collection=other) is None
        await store.put("key", {"in": "second"}, collection=other)
        assert await store.get("key", collection=collection) == {"in": "first"}
        assert await store.delete("key", collection=other) is True
        assert await store.get("key", collection=collection) == {"in": "first"}

    @pytest.mark.parametrize("name", [None, ""], ids=["none", "empty"])
    async def test_no_collection_means_the_default_one(self, store: Store, name: str | None) -> None:
        key = uuid4().hex
        await store.put(key, {"a": 1}, collection=name)
        assert await store.get(key) == {"a": 1}
        assert await store.get_many([key], collection="") == [{"a": 1}]
        assert await store.ttl(key, collection=None) == ({"a": 1}, None)
        assert await store.ttl_many([key], collection="") == [({"a": 1}, None)]
        assert await store.delete(key, collection="") is True
        await store.put_many([key], [{"a": 2}], collection=name)
        assert await store.delete_many([key]) == 1

    async def test_takes_its_arguments_by_name(self, store: Store, collection: str) -> None:
        await store.put(key="key", value={"a": 1}, collection=collection, ttl=None)
        await store.put_many(keys=["other"], values=[{"a": 2}], collection=collection, ttl=None)
        assert await store.get(key="key", collection=collection) == {"a": 1}
        assert await store.ttl(key="key", collection=collection) == ({"a": 1}, None)
        assert await store.get_many(keys=["other"], collection=collection) == [{"a": 2}]
        assert await store.ttl_many(keys=["other"], collection=collection) == [({"a": 2}, None)]
        assert await store.delete(key="key", collection=collection) is True
        assert await store.delete_many(keys=["other"], collection=collection) == 1
