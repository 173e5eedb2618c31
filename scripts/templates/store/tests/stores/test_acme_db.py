"""The AcmeDB store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.acme_db import AcmeDBStore
from key_value.aio.testing import StoreConformance


class TestAcmeDBStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[AcmeDBStore]:
        async with AcmeDBStore() as store:
            yield store
