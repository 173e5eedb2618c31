"""The whole suite passes over a store that does everything right, whether or not it builds on `BaseStore`."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests.testing.reference_store import ReferenceStore


class TestReferenceStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    shared_by_processes: ClassVar = False
    on_base_store: ClassVar = False

    @override
    @pytest.fixture
    def opening(self) -> Opening:
        return ReferenceStore

    @pytest.fixture
    async def store(self) -> AsyncIterator[ReferenceStore]:
        async with ReferenceStore() as store:
            yield store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, ReferenceStore)
        store.entries[collection][key] = data, None
