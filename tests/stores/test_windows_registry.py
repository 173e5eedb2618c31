"""The WindowsRegistry store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.windows_registry import WindowsRegistryStore
from key_value.aio.testing import StoreConformance


class TestWindowsRegistryStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[WindowsRegistryStore]:
        async with WindowsRegistryStore() as store:
            yield store
