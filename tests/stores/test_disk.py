"""The Disk store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.disk import DiskStore
from key_value.aio.testing import StoreConformance


class TestDiskStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[DiskStore]:
        async with DiskStore() as store:
            yield store
