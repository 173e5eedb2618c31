"""A wrapper that encrypts values with Fernet."""

import base64

from typing_extensions import override

try:
    from cryptography.fernet import Fernet, MultiFernet
except ImportError as error:
    message = (
        "FernetEncryptionWrapper needs cryptography: pip install 'py-key-value-aio[wrappers-encryption]'"
    )
    raise ImportError(message) from error

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import EncryptionVersionError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.encryption.base import BaseEncryptionWrapper
from key_value.aio.wrappers.encryption.envelope import Envelope
from key_value.aio.wrappers.encryption.passphrase import KDF_ITERATIONS, DerivedKey
from key_value.aio.wrappers.encryption.sealing import Address

__all__ = ["ENCRYPTION_VERSION", "KDF_ITERATIONS", "FernetEncryptionWrapper"]

ENCRYPTION_VERSION = 1


class FernetEncryptionWrapper(BaseEncryptionWrapper):
    """A wrapper that encrypts values with Fernet, in the stored form of the 0.5 series.

    A `MultiFernet` encrypts with its first key and decrypts with any of them. Fernet does not record which
    entry a value belongs to: anyone with write access to the store can exchange two values.
    `AESGCMEncryptionWrapper` detects that. Keys, collections and TTLs are not encrypted.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        *,
        fernet: Fernet | MultiFernet | None = None,
        source_material: str | None = None,
        salt: str | None = None,
        raise_on_decryption_error: bool = True,
        allow_plaintext: bool = False,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            fernet: Object that encrypts and decrypts.
            source_material: Passphrase to derive the key from instead, which occupies a thread for a third of
                a second on first use.
            salt: Salt that makes the key differ from other keys derived from the same passphrase.
            raise_on_decryption_error: Whether a value that cannot be decrypted raises an error instead of
                counting as missing.
            allow_plaintext: Whether to read values that are not encrypted, while old ones remain.

        Raises:
            TypeError: `fernet` is neither a `Fernet` nor a `MultiFernet`.
            ValueError: Neither or both of `fernet` and a passphrase are given, or the salt is missing.
        """
        if fernet is not None and (source_material or salt):
            raise ValueError("Cannot provide fernet together with source_material or salt")
        if fernet is not None and (isinstance(fernet, type) or not hasattr(fernet, "decrypt")):
            raise TypeError(f"fernet must be a Fernet or a MultiFernet, not {type(fernet).__name__}")
        self._cipher = _Cipher(fernet or _derived(source_material, salt))
        super().__init__(
            key_value,
            self._cipher.encrypt,
            self._cipher.decrypt,
            ENCRYPTION_VERSION,
            raise_on_decryption_error,
            allow_plaintext=allow_plaintext,
        )

    @override
    async def setup(self) -> None:
        await self._cipher.derive()
        await super().setup()

    @override
    async def _encrypt(self, plain: bytes, address: Address) -> Envelope:
        await self._cipher.derive()
        return await super()._encrypt(plain, address)

    @override
    async def _decrypt(self, envelope: Envelope, address: Address) -> bytes:
        if envelope.version > self.encryption_version:
            raise EncryptionVersionError(
                f"A value has the encryption version {envelope.version}, newer than {self.encryption_version}"
            )
        await self._cipher.derive()
        return await super()._decrypt(envelope, address)


class _Cipher:
    """Encryption with a given Fernet, or one that is derived before its first use."""

    def __init__(self, given: Fernet | MultiFernet | DerivedKey) -> None:
        self._derived = given if isinstance(given, DerivedKey) else None
        self._fernet = None if isinstance(given, DerivedKey) else given

    async def derive(self) -> None:
        if self._fernet is None and self._derived is not None:
            self._fernet = Fernet(base64.urlsafe_b64encode(await self._derived.get()))

    def encrypt(self, plain: bytes) -> bytes:
        assert self._fernet is not None  # noqa: S101  -- it is derived before
        return self._fernet.encrypt(plain)

    def decrypt(self, data: bytes, _version: int) -> bytes:
        assert self._fernet is not None  # noqa: S101  -- it is derived before
        return self._fernet.decrypt(data)


def _derived(source_material: str | None, salt: str | None) -> DerivedKey:
    if not (source_material and source_material.strip()):
        raise ValueError("Must provide either fernet or source_material")
    return DerivedKey(source_material, salt or "")
