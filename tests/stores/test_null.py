from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.errors import SerializationError
from key_value.aio.stores.null import NullStore
from key_value.aio.testing.suites import ArgumentConformance, LifecycleConformance, SetupConformance


class TestNullStore(ArgumentConformance, LifecycleConformance, SetupConformance):
    abilities: ClassVar = frozenset[type]()
    remembers: ClassVar = False

    @pytest.fixture
    async def store(self) -> AsyncIterator[NullStore]:
        async with NullStore() as store:
            yield store

    async def test_refuses_what_a_real_store_refuses(self) -> None:
        with pytest.raises(SerializationError):
            await NullStore().put("key", {"a": {1, 2}})
