"""Wrappers around wrappers; the outermost is applied first."""

from key_value.aio.protocols.key_value import AsyncEnumerateKeysProtocol
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.compression import CompressionWrapper
from key_value.aio.wrappers.encryption import AESGCMEncryptionWrapper
from key_value.aio.wrappers.limit_size import LimitSizeWrapper
from key_value.aio.wrappers.prefix_collections import PrefixCollectionsWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.retry import RetryWrapper
from key_value.aio.wrappers.statistics import StatisticsWrapper
from key_value.aio.wrappers.timeout import TimeoutWrapper
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper
from tests.wrappers.able import able
from tests.wrappers.flaky import Flaky


async def test_prefixes_are_added_from_the_outside_in() -> None:
    inner = MemoryStore()
    await PrefixKeysWrapper(PrefixKeysWrapper(inner, "inner"), "outer").put("k", {"n": 1})
    assert await inner.keys() == ["inner__outer__k"]


async def test_what_is_compressed_before_it_is_encrypted_is_small() -> None:
    small, large = MemoryStore(), MemoryStore()
    value = {"text": "x" * 100_000}
    await CompressionWrapper(AESGCMEncryptionWrapper(small, bytes(32))).put("k", value)
    await AESGCMEncryptionWrapper(CompressionWrapper(large), bytes(32)).put("k", value)
    sizes = [len(str(await store.get("k"))) for store in (small, large)]
    assert sizes[0] < 2_000
    assert sizes[1] > 100_000


async def test_statistics_outside_of_retries_count_calls_and_inside_attempts() -> None:
    flaky = Flaky(MemoryStore())
    inside = StatisticsWrapper(flaky)
    outside = StatisticsWrapper(RetryWrapper(TimeoutWrapper(inside), initial_delay=0))
    flaky.failures = 2
    await outside.get("k")
    assert outside.statistics.get_collection("default_collection").get.errors == 0
    assert inside.statistics.get_collection("default_collection").get.errors == 2


async def test_a_stack_keeps_abilities_and_closes_its_store() -> None:
    inner = MemoryStore()
    stack = PrefixCollectionsWrapper(
        StatisticsWrapper(TTLClampWrapper(LimitSizeWrapper(inner, max_size=1000), 0, 100, missing_ttl=50)),
        "app",
    )
    async with stack as store:
        await store.put("k", {"n": 1}, collection="c")
        assert isinstance(store, AsyncEnumerateKeysProtocol)
        assert await able(store).collections() == ["c"]
        assert (await store.ttl("k", collection="c"))[1] is not None
    assert inner._closed
