from typing import Any

import pytest

from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter
from key_value.aio.errors import MissingKeyError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("get", "x"), ("ttl", "x"), ("get_many", ["k", "x", "y"]), ("ttl_many", ["k", "x"])],
)
async def test_a_miss_is_an_error_on_request(operation: str, arguments: Any) -> None:
    inner = MemoryStore()
    await inner.put("k", {"n": 1}, collection="c")
    method = getattr(RaiseOnMissingAdapter(inner), operation)
    assert await method(arguments, collection="c") == await getattr(inner, operation)(
        arguments, collection="c"
    )
    with pytest.raises(MissingKeyError) as caught:
        await method(arguments, collection="c", raise_on_missing=True)
    assert caught.value.extra_info == {"operation": operation, "collection": "c", "key": "x"}


async def test_a_hit_is_itself() -> None:
    adapter = RaiseOnMissingAdapter(MemoryStore())
    await adapter.put("k", {"n": 1}, ttl=100)
    await adapter.put_many(["l"], [{}])
    assert await adapter.get("k", raise_on_missing=True) == {"n": 1}
    assert await adapter.get_many(["k", "l"], raise_on_missing=True) == [{"n": 1}, {}]
    assert (await adapter.ttl("l", raise_on_missing=True)) == ({}, None)
    assert await adapter.delete("k") is True
    assert await adapter.delete_many(["k", "l"]) == 1


async def test_has_the_abilities_of_its_store() -> None:
    adapter = RaiseOnMissingAdapter(MemoryStore())
    assert await adapter.put_if_absent("k", {"n": 1})
    assert await adapter.keys() == ["k"]
    assert [item async for item in adapter.items()] == [("k", {"n": 1})]
    assert not hasattr(RaiseOnMissingAdapter(NullStore()), "keys")
