"""The RocksDB store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.rocksdb import RocksDBStore
from key_value.aio.testing import StoreConformance


class TestRocksDBStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[RocksDBStore]:
        async with RocksDBStore() as store:
            yield store
