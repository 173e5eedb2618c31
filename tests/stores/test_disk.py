"""The stores on diskcache."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from key_value.aio.stores.disk import DiskStore, MultiDiskStore
from key_value.aio.testing.concerns.base import ABILITIES
from key_value.aio.testing.operations import Store
from tests.stores.embedded import EmbeddedConformance


def open_disk(path: Path) -> DiskStore:
    return DiskStore(directory=path)


def open_multi(path: Path) -> MultiDiskStore:
    return MultiDiskStore(base_directory=path)


def overwrite(directory: Path, name: str, data: bytes) -> None:
    try:
        value = data.decode()
    except UnicodeDecodeError:
        value = data
    with closing(sqlite3.connect(directory / "cache.db")) as connection, connection:
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (value, name))


def strays(directory: Path) -> list[Path]:
    """The files of values that belong to no row."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        used = {directory / file for (file,) in connection.execute("SELECT filename FROM Cache") if file}
    return [path for path in directory.rglob("*.val") if path not in used]


class TestDiskStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    open_store: ClassVar = staticmethod(open_disk)
    published_extra: ClassVar = "disk"

    @override
    def published_opening(self, path: Path) -> str:
        return (
            f"from key_value.aio.stores.disk import DiskStore\nstore = DiskStore(directory={str(path)!r})\n"
        )

    @override
    def leftovers(self, path: Path) -> list[Path]:
        return strays(path)

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, DiskStore)
        overwrite(store.directory, f"{collection}::{key}", data)


class TestMultiDiskStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    open_store: ClassVar = staticmethod(open_multi)
    published_extra: ClassVar = "disk"

    @override
    def published_opening(self, path: Path) -> str:
        return (
            "from pathlib import Path\n"
            "from key_value.aio.stores.disk import MultiDiskStore\n"
            f"store = MultiDiskStore(base_directory=Path({str(path)!r}))\n"
        )

    @override
    def leftovers(self, path: Path) -> list[Path]:
        return [file for directory in path.iterdir() for file in strays(directory)]

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, MultiDiskStore)
        overwrite(store.directory / collection, key, data)
