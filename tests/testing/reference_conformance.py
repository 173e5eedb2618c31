"""The suite on the reference store, in memory and in a file."""

import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import Self, override

from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests.testing.reference_store import ReferenceStore


class FileStore(ReferenceStore):
    """The reference store, which reads a file when it is opened and writes it when it is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = self._resolved(path)

    @override
    async def close(self) -> None:
        await super().close()
        self._path.write_bytes(pickle.dumps(self.entries))

    @override
    async def __aenter__(self) -> Self:
        if self._path.exists():
            self.entries = pickle.loads(self._path.read_bytes())
        return await super().__aenter__()

    def _resolved(self, path: Path) -> Path:
        return path.absolute()


class ReferenceConformance(StoreConformance):
    """The suite with all of its hooks, for stores that `make` creates."""

    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    on_base_store: ClassVar = False
    shared_by_processes: ClassVar = False
    make: ClassVar[type[ReferenceStore]]

    @override
    @pytest.fixture
    def opening(self) -> Opening:
        return type(self).make

    @pytest.fixture
    async def store(self) -> AsyncIterator[ReferenceStore]:
        async with type(self).make() as store:
            yield store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        _entries(store, collection)[key] = data, None

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        _entries(store, collection)[key] = b"[]", None

    @override
    async def refuse_writes(self, store: Store, *, collection: str, key: str) -> None:
        assert isinstance(store, ReferenceStore)
        store.refused.add(key)

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        return len(_entries(store, collection))


def _entries(store: Store, collection: str) -> dict[str, Any]:
    assert isinstance(store, ReferenceStore)
    return store.entries.setdefault(collection, {})
