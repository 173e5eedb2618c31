"""The FileTree store."""

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from key_value.aio.stores.filetree import FileTreeStore
from key_value.aio.testing import StoreConformance


class TestFileTreeStore(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[FileTreeStore]:
        async with FileTreeStore() as store:
            yield store
