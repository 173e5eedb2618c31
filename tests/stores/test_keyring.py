"""The Keyring store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.keyring import KeyringStore
from key_value.aio.testing import StoreConformance


class TestKeyringStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[KeyringStore]:
        async with KeyringStore() as store:
            yield store
