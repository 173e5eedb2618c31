"""Corruption: unreadable data raises an error with its location, and is never a missing key."""

import pytest

from key_value.aio.errors import DeserializationError
from key_value.aio.testing.operations import Read, Store
from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance, overrides
from key_value.aio.testing.trials import over, try_each

UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "no json": b"not json",
    "half a document": b'{"version": 1, "value": {"a"',
    "no utf-8": b"\xff\xfe\x00\x9d",
    "list": b"[]",
    "null": b"null",
    "number": b"1",
    "no value": b'{"version": 1}',
    "value is a list": b'{"version": 1, "value": [1]}',
    "value is null": b'{"version": 1, "value": null}',
    "value is broken text": b'{"version": 1, "value": "{"}',
    "no date": b'{"version": 1, "value": {"a": 1}, "expires_at": "tomorrow"}',
}


class CorruptionConformance(Conformance):
    """If corrupt data looked like a missing key, callers would overwrite data that might be recovered."""

    @when(overrides("write_raw"))
    @over("read")
    async def test_what_cannot_be_read_is_an_error(self, store: Store, collection: str, read: Read) -> None:
        async def fail(data: bytes) -> None:
            await self._corrupt(store, collection, data)
            with pytest.raises(DeserializationError) as caught:
                await read(store, "corrupt-key", collection=collection)
            assert "corrupt-key" in str(caught.value)
            assert collection in str(caught.value)

        await self._corrupt(store, collection)
        await try_each(UNREADABLE, fail)

    @when(overrides("write_raw"))
    async def test_a_batch_with_one_unreadable_value_is_an_error(self, store: Store, collection: str) -> None:
        await store.put_many(["first", "last"], [{"n": 1}, {"n": 2}], collection=collection)
        await self._corrupt(store, collection)
        with pytest.raises(DeserializationError, match="corrupt-key"):
            await store.get_many(["first", "corrupt-key", "last"], collection=collection)
        assert await store.get_many(["first", "last"], collection=collection) == [{"n": 1}, {"n": 2}]

    @when(overrides("write_raw"))
    async def test_an_unreadable_value_can_be_replaced(self, store: Store, collection: str) -> None:
        await self._corrupt(store, collection)
        await store.put("corrupt-key", {"new": 1}, collection=collection)
        assert await store.get("corrupt-key", collection=collection) == {"new": 1}

    @when(overrides("write_raw"))
    async def test_an_unreadable_value_can_be_deleted(self, store: Store, collection: str) -> None:
        await self._corrupt(store, collection)
        assert await store.delete("corrupt-key", collection=collection) is True
        assert await store.get("corrupt-key", collection=collection) is None

    async def _corrupt(self, store: Store, collection: str, data: bytes = b"not json") -> None:
        await store.put("corrupt-key", {"a": 1}, collection=collection)
        await self.write_raw(store, collection=collection, key="corrupt-key", data=data)
