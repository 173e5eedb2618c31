"""A store as somebody else would write it, with its test, on nothing but the published distributions."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.stores.base import BytesStore
from key_value.aio.testing import StoreConformance


class DictStore(BytesStore):
    """Keeps its blobs in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self._blobs: dict[tuple[str, str], bytes] = {}

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        return self._blobs.get((collection, key))

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        self._blobs[collection, key] = data

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        return self._blobs.pop((collection, key), None) is not None


class TestDictStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()

    @pytest.fixture
    async def store(self) -> AsyncIterator[DictStore]:
        async with DictStore() as store:
            yield store
