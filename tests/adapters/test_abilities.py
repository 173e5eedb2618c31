"""The abilities of typed views, which are those of their store."""

import asyncio
import copy
import gc
import pickle
import weakref
from datetime import timedelta
from typing import Any

import pytest

from key_value.aio.adapters import versions
from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter
from key_value.aio.errors import DeserializationError, KeyValueStoreError
from key_value.aio.protocols import (
    AsyncCompareAndSetProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
)
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.base import BaseWrapper
from tests.adapters.models import Plain
from tests.wrappers.able import FullStore, SecondsStore, able

PROTOCOLS = [
    AsyncCompareAndSetProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
]

ADA, BOB = Plain(name="Ada"), Plain(name="Bob")


@pytest.fixture
def inner() -> FullStore:
    return FullStore()


@pytest.fixture
def adapter(inner: FullStore) -> PydanticAdapter[Plain]:
    return PydanticAdapter(able(inner), Plain, default_collection="people")


async def test_writes_by_version(adapter: PydanticAdapter[Plain]) -> None:
    assert await adapter.get_versioned("k") is None
    await adapter.put("k", ADA, ttl=100)
    found = await adapter.get_versioned("k")
    assert found is not None
    assert found.value == ADA
    assert found.ttl is not None
    version = await adapter.put_if_version("k", BOB, version=found.version)
    assert version is not None
    assert await adapter.put_if_version("k", ADA, version=found.version) is None
    assert await adapter.get("k") == BOB
    assert await adapter.delete_if_version("k", version=found.version) is False
    assert await adapter.delete_if_version("k", version=version) is True


async def test_pops_touches_and_scans(adapter: PydanticAdapter[Plain], inner: FullStore) -> None:
    await adapter.put_many(["a", "b", "c"], [ADA] * 3)
    assert (await adapter.scan(prefix="b")).keys == ["b"]
    page = await adapter.scan(limit=2)
    assert (await adapter.scan(cursor=page.cursor, limit=2)).keys == ["c"]
    assert await adapter.touch("a", ttl=100) is True
    assert (await adapter.ttl("a"))[1] is not None
    assert await adapter.touch("x", ttl=100) is False
    assert await adapter.pop("a") == ADA
    assert await adapter.pop("a") is None
    assert await inner.get("a", collection="people") is None
    assert {key: value async for key, value in adapter.items()} == {"b": ADA, "c": ADA}


async def test_a_timedelta_reaches_the_store_as_seconds() -> None:
    hour = timedelta(hours=1)
    adapter = PydanticAdapter(able(SecondsStore()), Plain)
    await adapter.put("a", ADA, ttl=hour)
    await adapter.put_many(["b"], [ADA], ttl=hour)
    await adapter.put_if_absent("c", ADA, ttl=hour)
    await adapter.update("d", lambda _: BOB, default=ADA, ttl=hour)
    await adapter.update("e", lambda _: BOB, default=ADA)
    await adapter.update("e", lambda _: ADA, default=ADA, ttl=hour)
    await adapter.put("f", ADA)
    assert await adapter.touch("f", ttl=hour)
    plain = RaiseOnMissingAdapter(able(SecondsStore()))
    await plain.put("a", {"n": 1}, ttl=hour)
    await plain.put_many(["b"], [{"n": 1}], ttl=hour)
    found = [*await adapter.ttl_many(["a", "b", "c", "d", "e", "f"]), *await plain.ttl_many(["a", "b"])]
    assert [seconds for _, seconds in found] == [pytest.approx(3600, abs=60)] * 8


async def test_what_is_not_of_the_type_has_no_version(
    adapter: PydanticAdapter[Plain], inner: FullStore
) -> None:
    await inner.put("k", {"name": 1}, collection="people")
    assert await adapter.get_versioned("k") is None
    assert await adapter.pop("k") is None


async def test_update_replaces_what_is_not_of_the_type(
    adapter: PydanticAdapter[Plain], inner: FullStore
) -> None:
    """Such an entry counts as missing; with `raise_on_validation_error` it raises an error and stays."""
    await inner.put("k", {"name": 1}, collection="people")
    strict = PydanticAdapter(able(inner), Plain, default_collection="people", raise_on_validation_error=True)
    with pytest.raises(DeserializationError):
        await strict.update("k", lambda person: person, default=ADA)
    assert await adapter.update("k", lambda person: person, default=ADA) == ADA
    assert await adapter.get("k") == ADA


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_is_seen_to_have_what_its_store_has(protocol: type) -> None:
    class Without(BaseWrapper):
        drops = frozenset({protocol})

    store = able(FullStore())
    for adapter in (PydanticAdapter(store, Plain), RaiseOnMissingAdapter(store)):
        assert isinstance(adapter, protocol)
    for adapter in (PydanticAdapter(Without(store), Plain), RaiseOnMissingAdapter(Without(store))):
        assert not isinstance(adapter, protocol)


def test_update_needs_versions_and_put_if_absent() -> None:
    class Without(BaseWrapper):
        drops = frozenset({AsyncPutIfAbsentProtocol})

    adapter = RaiseOnMissingAdapter(Without(able(FullStore())))
    assert hasattr(adapter, "get_versioned")
    assert not hasattr(adapter, "update")
    with pytest.raises(AttributeError, match="NullStore does not implement AsyncCompareAndSetProtocol"):
        _ = RaiseOnMissingAdapter(NullStore()).update


def test_a_copy_is_an_adapter_of_its_own_and_freed(adapter: PydanticAdapter[Plain]) -> None:
    assert type(copy.copy(adapter)) is type(adapter)
    gc.disable()
    try:
        dropped = weakref.ref(PydanticAdapter(able(FullStore()), Plain))
        assert dropped() is None
    finally:
        gc.enable()
    with pytest.raises(TypeError, match=r"^PydanticAdapter cannot be deep-copied"):
        copy.deepcopy(adapter)
    with pytest.raises(TypeError, match=r"^PydanticAdapter cannot be pickled"):
        pickle.dumps(adapter)


class Yielding(BaseWrapper):
    """Wrapper that lets other tasks run before each operation by version."""

    async def _call_ability(self, ability: Any, arguments: Any) -> Any:  # pyright: ignore[reportImplicitOverride] -- it forwards everything
        await asyncio.sleep(0)
        return await super()._call_ability(ability, arguments)


class TestUpdate:
    async def test_no_addition_is_lost(self) -> None:
        counter = PydanticAdapter(Yielding(able(FullStore())), int)

        async def add() -> None:
            for _ in range(5):
                await counter.update("n", lambda n: n + 1, default=0)

        await asyncio.gather(*(add() for _ in range(10)))
        assert await counter.get("n") == 50

    async def test_each_attempt_has_a_fresh_default(self) -> None:
        log = PydanticAdapter(Yielding(able(FullStore())), list[int])

        def append(entries: list[int]) -> list[int]:
            entries.append(1)
            return entries

        await asyncio.gather(*(log.update("log", append, default=[]) for _ in range(10)))
        assert await log.get("log") == [1] * 10

    async def test_keeps_the_time_to_live_unless_another_is_given(self) -> None:
        counter = PydanticAdapter(able(FullStore()), int)
        await counter.put("n", 1, ttl=1000)
        assert await counter.update("n", lambda n: n + 1, default=0) == 2
        assert (await counter.ttl("n"))[1] == pytest.approx(1000, abs=5)
        await counter.update("n", lambda n: n + 1, default=0, ttl=10)
        assert (await counter.ttl("n"))[1] == pytest.approx(10, abs=5)

    async def test_gives_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(versions, "MAX_ATTEMPTS", 3)
        inner = FullStore()
        counter = PydanticAdapter(able(inner), int)
        await counter.put("n", 1)
        calls: list[int] = []

        def overtaken(n: int) -> int:
            calls.append(n)
            inner._store("default_collection", "n", inner.entries["default_collection"]["n"])
            return n + 1

        with pytest.raises(KeyValueStoreError, match="faster in each of 3 attempts"):
            await counter.update("n", overtaken, default=0)
        assert calls == [1, 1, 1]
        assert await counter.get("n") == 1
