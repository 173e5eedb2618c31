"""A store and its test as a third party would write them, with only the published distributions."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.stores.base import BytesStore
from key_value.aio.testing import StoreConformance


class DictStore(BytesStore):
    """A store that keeps its documents in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self._data: dict[str, bytes] = {}

    @override
    async def _read(self, address: str) -> bytes | None:
        return self._data.get(address)

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        self._data[address] = data

    @override
    async def _remove(self, address: str) -> None:
        self._data.pop(address, None)


class TestDictStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True
    model_examples: ClassVar = 5

    @pytest.fixture
    async def store(self) -> AsyncIterator[DictStore]:
        async with DictStore() as store:
            yield store
