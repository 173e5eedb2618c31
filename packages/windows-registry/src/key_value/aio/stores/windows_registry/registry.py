"""The registry key of a store, with one subkey per collection."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.windows_registry.driver import Key, winreg

T = TypeVar("T")

_READINGS = 10
"""Maximum number of attempts to read a list that changes in the meantime."""


class Registry:
    """The texts below one key; an address is the name of a subkey, a backslash, and the name of a value."""

    def __init__(self, hive: int, path: str) -> None:
        """Initialize with a key, which the first write creates.

        Args:
            hive: Handle of the hive.
            path: Path of the key in the hive.
        """
        self._hive = hive
        self._path = path

    def get(self, address: str) -> str | None:
        """Return the text at an address, or None.

        Raises:
            DeserializationError: The value is not text.
        """
        try:
            with self._open(_subkey(address)) as key:
                value, kind = winreg.QueryValueEx(key, _name(address))
        except FileNotFoundError:
            return None
        if kind != winreg.REG_SZ or not isinstance(value, str):
            raise DeserializationError(message=f"The value has type {kind}, not REG_SZ")
        return value

    def set(self, address: str, text: str) -> None:
        """Store a text; the registry replaces a value atomically."""
        path = self._path_of(_subkey(address))
        with winreg.CreateKeyEx(self._hive, path, 0, winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, _name(address), 0, winreg.REG_SZ, text)

    def delete(self, address: str) -> None:
        """Remove the value at an address, if there is one."""
        with suppress(FileNotFoundError), self._open(_subkey(address), winreg.KEY_SET_VALUE) as key:
            winreg.DeleteValue(key, _name(address))

    def subkeys(self) -> list[str]:
        """Return the names of all subkeys, in case-insensitive order."""
        try:
            with self._open() as key:
                return sorted(_whole(key, lambda: _names(key)), key=str.upper)
        except FileNotFoundError:
            return []

    def texts(self, subkey: str) -> dict[str, str]:
        """Return all texts of a subkey by address, in the order of their names."""
        try:
            with self._open(subkey) as key:
                values = _whole(key, lambda: _values(key))
        except FileNotFoundError:
            return {}
        found = ((name, value) for name, value, kind in values if kind == winreg.REG_SZ)
        return {f"{subkey}\\{name}": str(value) for name, value in sorted(found)}

    def texts_after(self, prefix: str, cursor: str | None, limit: int) -> list[tuple[str, str]]:
        """Return texts by address in the order of subkeys and names, optionally only those with a prefix.

        Args:
            prefix: A subkey, a backslash and the start of names; empty for all.
            cursor: Address after which to start.
            limit: Maximum number of texts.
        """
        start = None if cursor is None else _place(cursor)
        found = (
            (address, text)
            for subkey in ([_subkey(prefix)] if prefix else self.subkeys())
            if start is None or subkey.upper() >= start[0]
            for address, text in self.texts(subkey).items()
            if _name(address).startswith(_name(prefix)) and (start is None or _place(address) > start)
        )
        return list(islice(found, limit))

    def delete_all(self, addresses: Iterable[str]) -> None:
        """Remove values, and then the keys that have become empty."""
        subkeys: set[str] = set()
        for address in addresses:
            self.delete(address)
            subkeys.add(_subkey(address))
        for subkey in subkeys:
            self.prune(subkey)
        self.prune()

    def prune(self, subkey: str = "") -> None:
        """Remove a subkey, or the key itself, if it is empty."""
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


def _subkey(address: str) -> str:
    return address.partition("\\")[0]


def _name(address: str) -> str:
    return address.partition("\\")[2]


def _place(address: str) -> tuple[str, str]:
    """Return the sort key of an address: the registry ignores the case of a subkey."""
    return _subkey(address).upper(), _name(address)


def _names(key: Key) -> list[str]:
    return [winreg.EnumKey(key, index) for index in range(winreg.QueryInfoKey(key)[0])]


def _values(key: Key) -> list[tuple[str, object, int]]:
    return [winreg.EnumValue(key, index) for index in range(winreg.QueryInfoKey(key)[1])]


def _whole(key: Key, read: Callable[[], list[T]]) -> list[T]:
    """Return the contents of a key, and read again if it was changed, because items may have moved."""
    for _ in range(_READINGS - 1):
        before = winreg.QueryInfoKey(key)
        # The list ends early if an item was removed.
        with suppress(OSError):
            found = read()
            if winreg.QueryInfoKey(key) == before:
                return found
    return read()
