"""Every wrapper around a store is itself a store, with the abilities it keeps."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncKeyValue,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.concerns.base import ABILITIES
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.fallback import FallbackWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.statistics import StatisticsWrapper
from key_value.aio.wrappers.timeout import TimeoutWrapper

DESTROYING = {AsyncDestroyCollectionProtocol, AsyncDestroyStoreProtocol}


class WrapperConformance(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    model_examples: ClassVar = 20
    many: ClassVar = 1000

    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        raise NotImplementedError

    @pytest.fixture(params=["memory", "sqlite"])
    async def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BaseWrapper]:
        inner = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "entries.db")
        async with self.wrap(inner) as store:
            yield store


class TestBaseWrapper(WrapperConformance):
    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return BaseWrapper(store)


class TestPrefixKeys(WrapperConformance):
    abilities: ClassVar = ABILITIES - DESTROYING

    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return PrefixKeysWrapper(store, "prefix")


class TestTimeout(WrapperConformance):
    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return TimeoutWrapper(store, timeout=60)


class TestStatistics(WrapperConformance):
    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return StatisticsWrapper(store, max_collections=2)


class TestFallback(WrapperConformance):
    abilities: ClassVar = ABILITIES - DESTROYING

    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return FallbackWrapper(store, MemoryStore())


class TestStack(WrapperConformance):
    abilities: ClassVar = ABILITIES - DESTROYING

    @override
    def wrap(self, store: AsyncKeyValue) -> BaseWrapper:
        return StatisticsWrapper(
            TimeoutWrapper(PrefixKeysWrapper(FallbackWrapper(store, MemoryStore()), "p"))
        )
