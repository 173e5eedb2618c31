"""Wrappers that encrypt values. Each is imported on first use, together with its dependencies."""

from typing import TYPE_CHECKING

from key_value.aio._utils.lazy_names import lazy_names
from key_value.aio.wrappers.encryption.base import BaseEncryptionWrapper
from key_value.aio.wrappers.encryption.passphrase import DerivedKey

if TYPE_CHECKING:
    from key_value.aio.wrappers.encryption.aes_gcm import AESGCMEncryptionWrapper
    from key_value.aio.wrappers.encryption.fernet import FernetEncryptionWrapper

__all__ = ["AESGCMEncryptionWrapper", "BaseEncryptionWrapper", "DerivedKey", "FernetEncryptionWrapper"]

__getattr__, __dir__ = lazy_names(
    __name__, {"AESGCMEncryptionWrapper": "aes_gcm", "FernetEncryptionWrapper": "fernet"}
)
