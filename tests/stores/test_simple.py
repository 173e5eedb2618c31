from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.stores.simple import SimpleStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.suites.base import ABILITIES, Opening


class TestSimpleStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    shared_by_processes: ClassVar = False

    @override
    @pytest.fixture
    def opening(self) -> Opening:
        return SimpleStore

    @pytest.fixture
    async def store(self) -> AsyncIterator[SimpleStore]:
        async with SimpleStore() as store:
            yield store

    async def test_forgets_the_entry_first_stored(self) -> None:
        store = SimpleStore(2)
        await store.put("a", {"n": 1})
        await store.put("b", {"n": 2})
        await store.put("a", {"n": 3})
        await store.put("c", {"n": 4})
        assert await store.get_many(["a", "b", "c"]) == [None, {"n": 2}, {"n": 4}]

    def test_refuses_a_bound_that_holds_nothing(self) -> None:
        with pytest.raises(ValueError, match="must be 1 or more, not 0"):
            SimpleStore(max_entries=0)
