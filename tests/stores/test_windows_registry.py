"""The registry store, on Windows only; `test_windows_registry_on_wine.py` runs these tests elsewhere."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast
from uuid import uuid4

import pytest
from typing_extensions import override

pytest.importorskip("winreg", reason="there is no registry")

import winreg

from key_value.aio.errors import DeserializationError, InvalidKeyError, KeyValueStoreError, StoreSetupError
from key_value.aio.protocols import (
    AsyncCompareAndSetProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncTouchProtocol,
)
from key_value.aio.stores.windows_registry import (
    WindowsRegistryStore,
    WindowsRegistryV1CollectionSanitizationStrategy,
    registry,
)
from key_value.aio.stores.windows_registry.driver import Winreg
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.published import Publish
from tests.stores.embedded import EmbeddedConformance

reg = cast("Winreg", winreg)
ROOT = r"Software\py-key-value-tests"


def key_of(path: Path) -> str:
    """Return the registry key of the store for a path."""
    return rf"{ROOT}\{path.name}"


def open_store(path: Path) -> WindowsRegistryStore:
    """Return a store below a separate key."""
    return WindowsRegistryStore(registry_path=key_of(path))


def values(path: Path, subkey: str) -> dict[str, object]:
    """Return the values in the key of a collection."""
    with reg.OpenKey(reg.HKEY_CURRENT_USER, rf"{key_of(path)}\{subkey}") as key:
        return {reg.EnumValue(key, n)[0]: reg.EnumValue(key, n)[1] for n in range(reg.QueryInfoKey(key)[1])}


def subkeys(path: str) -> list[str]:
    """Return the names of a key's subkeys; a missing key has no subkeys."""
    with suppress(FileNotFoundError), reg.OpenKey(reg.HKEY_CURRENT_USER, path) as key:
        return [reg.EnumKey(key, n) for n in range(reg.QueryInfoKey(key)[0])]
    return []


def set_value(path: Path, subkey: str, name: str, value: Any, kind: int = reg.REG_SZ) -> None:
    with reg.CreateKeyEx(reg.HKEY_CURRENT_USER, rf"{key_of(path)}\{subkey}", 0, reg.KEY_SET_VALUE) as key:
        reg.SetValueEx(key, name, 0, kind, value)


def remove(path: str) -> None:
    """Remove a key and everything below it."""
    with suppress(FileNotFoundError):
        for name in subkeys(path):
            remove(rf"{path}\{name}")
        reg.DeleteKey(reg.HKEY_CURRENT_USER, path)


class TestWindowsRegistryStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES - {
        AsyncCompareAndSetProtocol,
        AsyncPopProtocol,
        AsyncPutIfAbsentProtocol,
        AsyncTouchProtocol,
    }
    open_store: ClassVar = open_store
    keeps_files: ClassVar = False
    published_extra: ClassVar = ""
    many: ClassVar = 2_000
    model_examples: ClassVar = 30
    kills: ClassVar = 5

    @override
    @pytest.fixture
    def path(self, tmp_path: Path) -> Iterator[Path]:
        path = tmp_path / f"test-{uuid4().hex[:12]}"
        yield path
        remove(key_of(path))
        if not subkeys(ROOT):
            remove(ROOT)

    @override
    def published_opening(self, path: Path) -> str:
        return (
            "from key_value.aio.stores.windows_registry import WindowsRegistryStore\n"
            f"store = WindowsRegistryStore(registry_path={key_of(path)!r})"
        )

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, WindowsRegistryStore)
        path = Path(store.registry_path.rpartition("\\")[2])
        try:
            set_value(path, collection, key, data.decode())
        except UnicodeDecodeError:
            set_value(path, collection, key, data, kind=winreg.REG_BINARY)

    def test_has_no_put_if_absent(self, store: WindowsRegistryStore) -> None:
        assert not isinstance(store, AsyncPutIfAbsentProtocol)

    async def test_is_kept_where_0_5_kept_it(self, store: WindowsRegistryStore, path: Path) -> None:
        await store.put("my-key", {"a": 1, "zero": "\0"}, collection="c d/é")
        [(name, text)] = values(path, "c d/é").items()
        assert name == "my-key"
        head, _, tail = str(text).partition(', "created_at": "')
        assert head == '{"collection": "c d/\\u00e9"'
        rest = ', "key": "my-key", "value": {"a": 1, "zero": "\\u0000"}, "version": 1}'
        assert tail.partition('"')[2] == rest

    async def test_reading_creates_nothing(self, store: WindowsRegistryStore, path: Path) -> None:
        assert await store.get("key") is None
        assert await store.delete("key") is False
        assert await store.keys() == await store.collections() == []
        await store.cull()
        await store.destroy()
        assert path.name not in subkeys(ROOT)

    async def test_capitals_are_escaped(self, store: WindowsRegistryStore, path: Path) -> None:
        await store.put("accessToken", {"n": 1}, collection="Users")
        assert [*values(path, "%55sers")] == ["access%54oken"]
        assert await store.keys("Users") == ["accessToken"]
        assert await store.collections() == ["Users"]

    async def test_finds_what_0_5_wrote_in_capitals(self, path: Path, published: Publish) -> None:
        put = {"key": "accessToken", "value": {"from": "0.5"}, "collection": "Users"}
        published("").run(self.published_opening(path), ("put", put))
        async with open_store(path) as store:
            assert await store.get("accessToken", collection="Users") == {"from": "0.5"}
            assert await store.get("accesstoken", collection="users") is None
            assert await store.collections() == ["Users"]
            assert await store.keys("Users") == ["accessToken"]
            assert await store.keys("users") == []
            assert await store.delete("accesstoken", collection="users") is False
            await store.put("accessToken", {"from": "here"}, collection="Users", ttl=0.02)
            assert values(path, "Users") == {}
            while await store.get("accessToken", collection="Users") is not None:
                await asyncio.sleep(0.005)
            await store.cull()
            assert await store.get("accessToken", collection="Users") is None
        published("").run(self.published_opening(path), ("put", put))
        async with open_store(path) as store:
            assert await store.delete("accessToken", collection="Users") is True
            assert await store.get("accessToken", collection="Users") is None

    async def test_the_old_strategy_is_as_it_was(self, path: Path, published: Publish) -> None:
        opening = (
            self.published_opening(path)[:-1]
            + ", collection_sanitization_strategy=WindowsRegistryV1CollectionSanitizationStrategy())"
        )
        opening = opening.replace("import Win", "import store as module, Win").replace(
            "=WindowsRegistryV1", "=module.WindowsRegistryV1"
        )
        put = {"key": "accessToken", "value": {"n": 1}, "collection": "c d"}
        published("").run(opening, ("put", put))
        strategy = WindowsRegistryV1CollectionSanitizationStrategy()
        async with WindowsRegistryStore(
            registry_path=key_of(path), collection_sanitization_strategy=strategy
        ) as store:
            assert subkeys(store.registry_path) == ["S_c_d-b561f19f"]
            assert await store.get("accessToken", collection="c d") == {"n": 1}
            assert await store.collections() == ["c d"]
            with pytest.raises(InvalidKeyError, match="reserved prefixes"):
                await store.get("key", collection="S_c")

    async def test_what_others_keep_below_the_key_is_theirs(
        self, store: WindowsRegistryStore, path: Path
    ) -> None:
        await store.put("mine", {"n": 1}, collection="settings")
        await store.put("old", {"n": 1}, collection="settings", ttl=0.01)
        theirs: dict[str, Any] = {
            "Theme": "dark",
            "json": '{"theme": "dark"}',
            "copied": '{"collection": "settings", "key": "other", "value": {}, "version": 1}',
            "expired": '{"expires_at": "2000-01-01T00:00:00+00:00", "value": {}, "version": 1}',
        }
        for name, value in theirs.items():
            set_value(path, "settings", name, value)
        set_value(path, "settings", "Size", 3, kind=winreg.REG_DWORD)
        set_value(path, "", "Path", "C:\\")
        while await store.get("old", collection="settings") is not None:
            await asyncio.sleep(0.005)
        assert await store.keys("settings") == ["mine"]
        await store.cull()
        assert values(path, "settings").keys() == {"mine", "Size", *theirs}
        assert await store.destroy_collection("settings") is True
        assert await store.destroy_collection("settings") is False
        await store.destroy()
        assert values(path, "settings") == {"Size": 3, **theirs}
        assert values(path, "") == {"Path": "C:\\"}

    async def test_destroyed_keys_are_gone(self, store: WindowsRegistryStore, path: Path) -> None:
        await store.put("key", {"n": 1}, collection="one")
        await store.put("key", {"n": 1}, collection="two")
        assert await store.destroy_collection("one") is True
        assert subkeys(store.registry_path) == ["two"]
        await store.destroy()
        assert path.name not in subkeys(ROOT)

    async def test_a_value_of_another_type_is_an_error(self, store: WindowsRegistryStore, path: Path) -> None:
        set_value(path, "settings", "size", 3, kind=winreg.REG_DWORD)
        with pytest.raises(DeserializationError, match=r"type 4, not REG_SZ.*collection: settings;key: size"):
            await store.get("size", collection="settings")

    async def test_a_failed_read_is_no_miss(
        self, store: WindowsRegistryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Access is denied")

        await store.put("key", {"n": 1})
        for function in ("OpenKey", "CreateKeyEx"):
            monkeypatch.setattr(winreg, function, refuse)
        calls: dict[str, Any] = {
            "get": store.get("key"),
            "put": store.put("key", {"n": 2}),
            "put_many": store.put_many(["key"], [{"n": 2}]),
            "delete": store.delete("key"),
            "keys": store.keys(),
            "collections": store.collections(),
            "cull": store.cull(),
            "destroy": store.destroy(),
        }
        for call in calls.values():
            with pytest.raises(KeyValueStoreError, match="Access is denied") as caught:
                await call
            assert not isinstance(caught.value, StoreSetupError)
        monkeypatch.undo()
        assert await store.get("key") == {"n": 1}

    async def test_a_key_that_does_not_exist_is_a_miss(self, store: WindowsRegistryStore) -> None:
        await store.put("key", {"n": 1})
        assert await store.get("other") is None
        assert await store.get("key", collection="other") is None

    async def test_a_cull_spares_what_was_replaced_meanwhile(
        self, store: WindowsRegistryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.put("key", {"n": 1}, ttl=0.01)
        while await store.get("key") is not None:
            await asyncio.sleep(0.005)
        read = registry.Registry.texts

        def read_and_replace(self: registry.Registry, subkey: str) -> dict[str, str]:
            found = read(self, subkey)
            asyncio.run(replace())
            return found

        async def replace() -> None:
            async with WindowsRegistryStore(registry_path=store.registry_path) as other:
                await other.put("key", {"n": 2})

        monkeypatch.setattr(registry.Registry, "texts", read_and_replace)
        await store.cull()
        assert await store.get("key") == {"n": 2}

    async def test_a_list_is_read_again_where_it_was_changed_meanwhile(
        self, store: WindowsRegistryStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.put_many(["a", "b", "c"], [{"n": 1}] * 3)
        enumerate_value = winreg.EnumValue
        removed: list[int] = []

        def enumerate_late(key: Any, index: int) -> tuple[str, object, int]:
            if index == 1 and not removed:
                removed.append(index)
                asyncio.run(change())
            return enumerate_value(key, index)

        async def change() -> None:
            async with open_store(path) as other:
                await other.delete("a")
                await other.put("d", {"n": 1})

        monkeypatch.setattr(winreg, "EnumValue", enumerate_late)
        assert sorted(await store.keys()) == ["b", "c", "d"]

    def test_the_defaults(self) -> None:
        store = WindowsRegistryStore()
        assert store.registry_path == r"Software\py-key-value"
        assert store.hive == "HKEY_CURRENT_USER"

    def test_refuses_an_unknown_hive(self) -> None:
        with pytest.raises(ValueError, match="or 'HKEY_LOCAL_MACHINE', not 'HKEY_USERS'"):
            WindowsRegistryStore(hive="HKEY_USERS")  # pyright: ignore[reportArgumentType] -- invalid on purpose

    async def test_the_hive_of_the_machine(self, path: Path) -> None:
        store = WindowsRegistryStore(
            hive="HKEY_LOCAL_MACHINE", registry_path=rf"Software\py-key-value-tests-{path.name}"
        )
        try:
            await store.put("key", {"n": 1})
        except KeyValueStoreError as error:
            assert isinstance(error.__cause__, PermissionError)  # noqa: PT017  -- only administrators may
        else:
            assert await store.get("key") == {"n": 1}
            await store.destroy()
        await store.close()
