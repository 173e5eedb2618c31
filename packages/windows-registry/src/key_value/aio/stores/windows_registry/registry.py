"""The key of a store in the registry, with a subkey for each collection."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.windows_registry.driver import Key, winreg
from key_value.aio.stores.windows_registry.names import Place

T = TypeVar("T")

_READINGS = 10
"""How often a list is read anew at most, because somebody changed it meanwhile."""


class Registry:
    """The texts below one key, and nothing else that is there."""

    def __init__(self, hive: int, path: str) -> None:
        """Name a key; it is made by the first text.

        Args:
            hive: The handle of the hive.
            path: The key's path in it.
        """
        self._hive = hive
        self._path = path

    def get(self, place: Place) -> str | None:
        """Return the text at a place, or None.

        Raises:
            DeserializationError: The value there is no text.
        """
        try:
            with self._open(place.subkey) as key:
                value, kind = winreg.QueryValueEx(key, place.name)
        except FileNotFoundError:
            return None
        if kind != winreg.REG_SZ or not isinstance(value, str):
            raise DeserializationError(message=f"It is a value of type {kind}, not REG_SZ")
        return value

    def set(self, place: Place, text: str) -> None:
        """Keep a text; the registry replaces a value as one."""
        path = self._path_of(place.subkey)
        with winreg.CreateKeyEx(self._hive, path, 0, winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, place.name, 0, winreg.REG_SZ, text)

    def delete(self, place: Place) -> None:
        """Remove the value at a place, where there is one."""
        with suppress(FileNotFoundError), self._open(place.subkey, winreg.KEY_SET_VALUE) as key:
            winreg.DeleteValue(key, place.name)

    def subkeys(self) -> list[str]:
        """The names of all subkeys."""
        try:
            with self._open() as key:
                return _whole(key, lambda: _names(key))
        except FileNotFoundError:
            return []

    def texts(self, subkey: str) -> Iterator[tuple[Place, str]]:
        """Every text of a subkey."""
        try:
            with self._open(subkey) as key:
                values = _whole(key, lambda: _values(key))
        except FileNotFoundError:
            return
        for name, value, kind in values:
            if kind == winreg.REG_SZ and isinstance(value, str):
                yield Place(subkey, name), value

    def prune(self, subkey: str = "") -> None:
        """Remove a subkey, or the key itself, if nothing is left in it."""
        try:
            with self._open(subkey) as key:
                subkeys, values, _ = winreg.QueryInfoKey(key)
            if subkeys == values == 0:
                winreg.DeleteKey(self._hive, self._path_of(subkey))
        except FileNotFoundError:
            return

    def _open(self, subkey: str = "", access: int = winreg.KEY_READ) -> Key:
        return winreg.OpenKey(self._hive, self._path_of(subkey), 0, access)

    def _path_of(self, subkey: str) -> str:
        return f"{self._path}\\{subkey}" if subkey else self._path


def _names(key: Key) -> list[str]:
    return [winreg.EnumKey(key, index) for index in range(winreg.QueryInfoKey(key)[0])]


def _values(key: Key) -> list[tuple[str, object, int]]:
    return [winreg.EnumValue(key, index) for index in range(winreg.QueryInfoKey(key)[1])]


def _whole(key: Key, read: Callable[[], list[T]]) -> list[T]:
    """What a key holds; read again if it was changed meanwhile, since what moved could be missing."""
    for _ in range(_READINGS - 1):
        before = winreg.QueryInfoKey(key)
        # The list ends early where something was removed.
        with suppress(OSError):
            found = read()
            if winreg.QueryInfoKey(key) == before:
                return found
    return read()
