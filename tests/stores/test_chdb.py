"""The ChDB store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.chdb import ChDBStore
from key_value.aio.testing import StoreConformance


class TestChDBStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[ChDBStore]:
        async with ChDBStore() as store:
            yield store
