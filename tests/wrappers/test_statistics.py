import json
from typing import cast

import pytest
from pydantic import BaseModel

from key_value.aio.errors import StoreConnectionError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.statistics import StatisticsWrapper
from key_value.aio.wrappers.statistics.wrapper import (
    DeleteStatistics,
    GetStatistics,
    KVStoreCollectionStatistics,
    KVStoreStatistics,
    PutStatistics,
)
from tests.wrappers.able import FullStore, able
from tests.wrappers.flaky import Flaky


async def test_counts_hits_and_misses_by_collection() -> None:
    store = StatisticsWrapper(MemoryStore())
    await store.put("a", {"n": 1}, collection="c")
    await store.put_many(["b", "d"], [{}, {}], collection="c")
    await store.get("a", collection="c")
    await store.get_many(["a", "b", "x"], collection="c")
    await store.ttl("x", collection="c")
    await store.delete("a", collection="c")
    await store.delete_many(["b", "x", "b"], collection="c")
    await store.get("a")
    counted = store.statistics.collections["c"]
    assert (counted.put.count, counted.get.hit, counted.get.miss, counted.get.count) == (3, 3, 1, 4)
    assert (counted.ttl.hit, counted.ttl.miss) == (0, 1)
    assert (counted.delete.hit, counted.delete.miss) == (2, 1)
    assert counted.get.hit_rate == 0.75
    assert counted.count == 11
    assert store.statistics.collections["default_collection"].get.miss == 1
    assert store.statistics.collections.get("never used") is None


async def test_counts_errors_and_times() -> None:
    flaky = Flaky(MemoryStore())
    store = StatisticsWrapper(flaky)
    flaky.failures = 1
    with pytest.raises(StoreConnectionError):
        await store.get("key")
    await store.get("key")
    counted = store.statistics.get_collection("default_collection").get
    assert (counted.errors, counted.count) == (1, 1)
    assert counted.seconds >= counted.slowest > 0


async def test_keeps_so_many_collections() -> None:
    store = StatisticsWrapper(MemoryStore(), max_collections=2)
    for name in ("a", "b", "c"):
        await store.get("key", collection=name)
    assert list(store.statistics.collections) == ["b", "c"]
    with pytest.raises(ValueError, match="max_collections must be 1 or more"):
        StatisticsWrapper(MemoryStore(), max_collections=0)


async def test_a_snapshot_stays_and_a_reset_forgets() -> None:
    store = StatisticsWrapper(MemoryStore())
    await store.get("key")
    snapshot = store.statistics.snapshot()
    await store.get("key")
    assert snapshot.get_collection("default_collection").get.miss == 1
    store.statistics.reset()
    assert store.statistics.collections == {}


def test_is_a_field_of_a_model() -> None:
    class Report(BaseModel):
        tools: KVStoreCollectionStatistics | None = None

    statistics = KVStoreCollectionStatistics()
    statistics.get.increment_hit()
    dumped = Report(tools=statistics).model_dump()
    assert json.loads(json.dumps(dumped))["tools"]["get"]["hit"] == 1


async def test_equals_statistics_that_are_built_by_hand() -> None:
    flaky = Flaky(MemoryStore())
    store = StatisticsWrapper(flaky)
    flaky.failures = 1
    with pytest.raises(StoreConnectionError):
        await store.get("a", collection="c")
    await store.get("a", collection="c")
    await store.put("a", {}, collection="c")
    expected = KVStoreCollectionStatistics(get=GetStatistics(count=1, miss=1), put=PutStatistics(count=1))
    assert store.statistics.collections == {"c": expected}
    assert store.statistics == KVStoreStatistics(collections={"c": expected})
    assert GetStatistics(count=1, miss=1) != GetStatistics(count=1, hit=1)


async def test_counts_abilities_as_the_operations_they_stand_for() -> None:
    store = able(StatisticsWrapper(able(FullStore())))
    assert await store.put_if_absent("k", {"n": 1}, collection="c")
    assert not await store.put_if_absent("k", {"n": 1}, collection="c")
    assert await store.get_versioned("x", collection="c") is None
    found = await store.get_versioned("k", collection="c")
    assert found is not None
    assert await store.put_if_version("k", {"n": 2}, version=found.version, collection="c")
    assert not await store.put_if_version("k", {"n": 2}, version=found.version, collection="c")
    assert not await store.delete_if_version("k", version=found.version, collection="c")
    assert await store.touch("k", ttl=5, collection="c")
    assert await store.pop("k", collection="c")
    assert not await store.touch("k", ttl=5, collection="c")
    await store.scan("c")
    counted = cast("StatisticsWrapper", store).statistics.collections["c"]
    assert counted.get == GetStatistics(count=2, hit=1, miss=1)
    assert counted.put == PutStatistics(count=3)
    assert counted.delete == DeleteStatistics(count=2, hit=1, miss=1)


@pytest.mark.parametrize("name", [None, "", "app"])
async def test_a_collection_is_counted_under_its_name(name: str | None) -> None:
    store = StatisticsWrapper(MemoryStore(default_collection="app"))
    await store.get("k", collection=name)
    assert set(store.statistics.collections) == {"app"}
