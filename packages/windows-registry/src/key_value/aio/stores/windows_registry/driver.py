"""The parts of the standard library's winreg that the store uses, typed on every platform."""

import sys
from importlib import import_module
from types import TracebackType
from typing import Protocol, cast

try:
    _winreg = import_module("winreg")
except ImportError as error:
    raise ImportError(f"WindowsRegistryStore is available on Windows only, not on {sys.platform}") from error


class Key(Protocol):
    """An open key, which is closed at the end of its `with` block."""

    def __enter__(self) -> "Key": ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Winreg(Protocol):
    """The subset of winreg that the store uses."""

    HKEY_CURRENT_USER: int
    HKEY_LOCAL_MACHINE: int
    KEY_READ: int
    KEY_SET_VALUE: int
    REG_SZ: int

    def OpenKey(self, key: int, sub_key: str, reserved: int = 0, access: int = ..., /) -> Key:
        """Open an existing key."""
        ...

    def CreateKeyEx(self, key: int, sub_key: str, reserved: int = 0, access: int = ..., /) -> Key:
        """Open a key, creating it if it is missing."""
        ...

    def DeleteKey(self, key: int, sub_key: str, /) -> None:
        """Remove a key without subkeys, including its values."""
        ...

    def QueryInfoKey(self, key: Key, /) -> tuple[int, int, int]:
        """Return the number of subkeys and values, and the time of the last change."""
        ...

    def QueryValueEx(self, key: Key, name: str, /) -> tuple[object, int]:
        """Return a value and its type."""
        ...

    def SetValueEx(self, key: Key, name: str, reserved: int, kind: int, value: str, /) -> None:
        """Set a value."""
        ...

    def DeleteValue(self, key: Key, name: str, /) -> None:
        """Remove a value."""
        ...

    def EnumKey(self, key: Key, index: int, /) -> str:
        """Return the name of a subkey."""
        ...

    def EnumValue(self, key: Key, index: int, /) -> tuple[str, object, int]:
        """Return the name of a value, the value, and its type."""
        ...


winreg = cast("Winreg", _winreg)
