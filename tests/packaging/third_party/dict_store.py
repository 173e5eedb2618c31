"""A store as somebody else would write it, with its test, on nothing but the published distributions."""

import time
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from typing_extensions import override

from key_value.aio.stores.base import BytesStore
from key_value.aio.testing import StoreConformance


class DictStore(BytesStore):
    """Keeps its blobs in a dict, each with the time when it is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._blobs: dict[tuple[str, str], tuple[bytes, float]] = {}

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        data, gone_at = self._blobs.get((collection, key), (b"", 0.0))
        return data if time.time() < gone_at else None

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        self._blobs[collection, key] = data, float("inf") if ttl is None else time.time() + ttl

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        _, gone_at = self._blobs.pop((collection, key), (b"", 0.0))
        return time.time() < gone_at


class TestDictStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True
    model_examples: ClassVar = 5

    @pytest.fixture
    async def store(self) -> AsyncIterator[DictStore]:
        async with DictStore() as store:
            yield store
