"""Wrappers that encrypt values. Each is imported when it is first used, with what it builds on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from key_value.aio.wrappers.encryption.base import BaseEncryptionWrapper
from key_value.aio.wrappers.encryption.passphrase import DerivedKey

if TYPE_CHECKING:
    from key_value.aio.wrappers.encryption.aes_gcm import AESGCMEncryptionWrapper
    from key_value.aio.wrappers.encryption.fernet import FernetEncryptionWrapper

__all__ = ["AESGCMEncryptionWrapper", "BaseEncryptionWrapper", "DerivedKey", "FernetEncryptionWrapper"]

_MODULES = {"AESGCMEncryptionWrapper": "aes_gcm", "FernetEncryptionWrapper": "fernet"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
