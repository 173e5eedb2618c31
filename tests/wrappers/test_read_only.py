from typing import Any

import pytest

from key_value.aio.errors import InvalidTTLError, ReadOnlyError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.read_only import ReadOnlyWrapper
from tests.wrappers.able import able

WRITES: dict[str, tuple[dict[str, Any], Any, str]] = {
    "put": ({"key": "k", "value": {"n": 2}}, None, "k"),
    "put_many": ({"keys": ["k", "l"], "values": [{}, {}]}, None, "2 keys"),
    "delete": ({"key": "k"}, False, "k"),
    "delete_many": ({"keys": ["k"]}, 0, "1 keys"),
}


@pytest.fixture
async def inner() -> AsyncKeyValue:
    store = MemoryStore()
    await store.put("k", {"n": 1}, collection="c")
    return store


async def test_reads_pass(inner: AsyncKeyValue) -> None:
    store = ReadOnlyWrapper(inner)
    assert await store.get("k", collection="c") == {"n": 1}
    assert await store.get_many(["k", "l"], collection="c") == [{"n": 1}, None]
    assert await able(store).keys("c") == ["k"]


@pytest.mark.parametrize("operation", WRITES)
async def test_writes_are_refused(inner: AsyncKeyValue, operation: str) -> None:
    arguments, _, key = WRITES[operation]
    with pytest.raises(ReadOnlyError) as caught:
        await getattr(ReadOnlyWrapper(inner), operation)(**arguments, collection="c")
    assert caught.value.extra_info == {"operation": operation, "collection": "c", "key": key}
    assert await inner.get("k", collection="c") == {"n": 1}


@pytest.mark.parametrize("operation", WRITES)
async def test_writes_are_ignored_on_request(inner: AsyncKeyValue, operation: str) -> None:
    arguments, nothing, _ = WRITES[operation]
    store = ReadOnlyWrapper(inner, raise_on_write=False)
    assert await getattr(store, operation)(**arguments, collection="c") == nothing
    assert await inner.get("k", collection="c") == {"n": 1}


async def test_mistakes_are_not_ignored(inner: AsyncKeyValue) -> None:
    store = ReadOnlyWrapper(inner, raise_on_write=False)
    with pytest.raises(TypeError):
        await store.put(1, {})  # pyright: ignore[reportArgumentType] -- invalid on purpose
    with pytest.raises(TypeError):
        await store.put("k", [])  # pyright: ignore[reportArgumentType] -- invalid on purpose
    with pytest.raises(InvalidTTLError):
        await store.put("k", {}, ttl=-1)


def test_has_no_ability_that_writes(inner: AsyncKeyValue) -> None:
    store = ReadOnlyWrapper(inner)
    assert not any(
        hasattr(store, name) for name in ("put_if_absent", "cull", "destroy", "destroy_collection")
    )
