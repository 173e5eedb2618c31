"""The Vault store, on OpenBao."""

from collections.abc import AsyncIterator
from functools import partial
from typing import ClassVar, cast

import pytest
from typing_extensions import override

from key_value.aio.stores.vault import VaultStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests.servers.server import Server
from tests.servers.vault import address


@pytest.fixture
async def store(vault: Server, mount: str) -> AsyncIterator[VaultStore]:
    async with VaultStore(url=address(vault), token=vault.password, mount_point=mount) as store:
        yield store


class TestVaultStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 3
    rivals: ClassVar = 4
    many: ClassVar = 201

    @override
    @pytest.fixture
    def opening(self, vault: Server, mount: str) -> Opening:
        return partial(VaultStore, url=address(vault), token=vault.password, mount_point=mount)

    @override
    @pytest.fixture
    async def store(self, store: VaultStore) -> VaultStore:
        return store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        ours = cast("VaultStore", store)
        path = ours.names.address(collection, key)
        await ours._run(lambda mount: mount.write(path, data.decode("latin-1")), writes=True)
