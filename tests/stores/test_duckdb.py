"""The DuckDB store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.duckdb import DuckDBStore
from key_value.aio.testing import StoreConformance


class TestDuckDBStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[DuckDBStore]:
        async with DuckDBStore() as store:
            yield store
