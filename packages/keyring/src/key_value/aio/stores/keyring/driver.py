"""The parts of the keyring package that the store uses."""

from typing import Protocol, cast

try:
    from keyring import get_keyring
    from keyring.backends import fail, null
    from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError
except ImportError as error:
    raise ImportError("KeyringStore needs keyring: pip install 'py-key-value-aio[keyring]'") from error

try:
    from secretstorage.exceptions import ItemNotFoundException, SecretServiceNotAvailableException

    _vanished: tuple[type[Exception], ...] = (ItemNotFoundException,)
    _away: tuple[type[Exception], ...] = (SecretServiceNotAvailableException,)
except ImportError:  # keyring needs it on Linux only
    _vanished = _away = ()

__all__ = ["UNREACHABLE", "VANISHED", "Keyring", "PasswordDeleteError", "usable_keyring"]

UNREACHABLE = (InitError, KeyringLocked, NoKeyringError, OSError, *_away)
"""Errors of a keyring that is absent, locked, or no longer running."""

VANISHED: tuple[type[Exception], ...] = _vanished
"""Errors of the Secret Service for a password that was removed after it was found."""


class Keyring(Protocol):
    """The subset of a partly typed keyring that the store uses."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """Return the password of a name, or None."""
        ...

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Set the password of a name."""
        ...

    def delete_password(self, service: str, username: str, /) -> None:
        """Remove the password of a name."""
        ...


def usable_keyring() -> Keyring:
    """Return the keyring that the keyring package has selected.

    Raises:
        NoKeyringError: There is no keyring, or it is disabled and would discard all passwords.
    """
    backend = get_keyring()
    if isinstance(backend, (fail.Keyring, null.Keyring)):
        raise NoKeyringError(f"No keyring is available: {type(backend).__module__} was chosen")
    return cast("Keyring", backend)
