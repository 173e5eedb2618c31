"""A wrapper that encrypts values with AES-GCM, each bound to its entry."""

import os
from collections.abc import Mapping
from functools import partial

from typing_extensions import override

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as error:
    message = (
        "AESGCMEncryptionWrapper needs cryptography: pip install 'py-key-value-aio[wrappers-encryption]'"
    )
    raise ImportError(message) from error

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import DecryptionError, EncryptionVersionError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.threads import run_in_thread_if_large
from key_value.aio.wrappers.encryption.envelope import Envelope
from key_value.aio.wrappers.encryption.passphrase import DerivedKey
from key_value.aio.wrappers.encryption.rotation import RotatingWrapper
from key_value.aio.wrappers.encryption.sealing import Address

ENCRYPTION_VERSION = 2

NONCE_BYTES = 12
"""AES-GCM takes 96 bits; random nonces suffice for 2**32 values per key (NIST SP 800-38D, 8.3)."""


class AESGCMEncryptionWrapper(RotatingWrapper):
    """A wrapper that encrypts values with AES-256-GCM, each bound to its collection and key.

    A value that was altered, or moved to another entry, cannot be decrypted. Each value names the key that it
    was encrypted with, so that keys can be changed: pass the new one as `key` and the former ones as
    `old_keys`, and call `rotate` for each collection. Keys, collections and TTLs are not encrypted.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        key: bytes | DerivedKey,
        *,
        key_id: str = "1",
        old_keys: Mapping[str, bytes | DerivedKey] | None = None,
        raise_on_decryption_error: bool = True,
        allow_plaintext: bool = False,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            key: 32 random bytes, for example from `AESGCM.generate_key(256)` or `secrets.token_bytes(32)`; or
                `DerivedKey(passphrase, salt)`, which is derived in a thread on first use.
            key_id: Name of this key; never reuse it for another key.
            old_keys: Former keys by name, used for decryption only.
            raise_on_decryption_error: Whether a value that cannot be decrypted raises an error instead of
                counting as missing.
            allow_plaintext: Whether to read values that are not encrypted, while old ones remain. `rotate`
                encrypts them.

        Raises:
            TypeError: A key is neither bytes nor a `DerivedKey`.
            ValueError: A key does not have 16, 24 or 32 bytes, or two keys have the same name.
        """
        super().__init__(
            key_value,
            key_id=key_id,
            raise_on_decryption_error=raise_on_decryption_error,
            allow_plaintext=allow_plaintext,
        )
        if key_id in (old_keys or {}):
            raise ValueError(f"Two keys have the name {key_id!r}")
        self._secrets = {**(old_keys or {}), key_id: key}
        for name, given in self._secrets.items():
            if not isinstance(given, (bytes, DerivedKey)):  # pyright: ignore[reportUnnecessaryIsInstance] -- callers may not be typed
                raise TypeError(f"The key {name!r} must be bytes or a DerivedKey, not {type(given).__name__}")
        self._ciphers = {
            name: AESGCM(given) for name, given in self._secrets.items() if isinstance(given, bytes)
        }

    @override
    async def _encrypt(self, plain: bytes, address: Address) -> Envelope:
        cipher = await self._cipher(self.key_id)
        nonce, bound = os.urandom(NONCE_BYTES), self._bound(self.key_id, address)
        encrypted = await run_in_thread_if_large(lambda data: cipher.encrypt(nonce, data, bound), plain)
        return Envelope(nonce + encrypted, ENCRYPTION_VERSION, self.key_id)

    @override
    async def _decrypt(self, envelope: Envelope, address: Address) -> bytes:
        if envelope.version != ENCRYPTION_VERSION:
            raise EncryptionVersionError(
                f"A value has the encryption version {envelope.version}, not {ENCRYPTION_VERSION}"
            )
        if envelope.key_id is None or envelope.key_id not in self._secrets:
            raise DecryptionError(f"No key has the name {envelope.key_id!r}")
        cipher = await self._cipher(envelope.key_id)
        nonce, encrypted = envelope.data[:NONCE_BYTES], envelope.data[NONCE_BYTES:]
        bound = self._bound(envelope.key_id, address)
        return await run_in_thread_if_large(partial(cipher.decrypt, nonce, associated_data=bound), encrypted)

    async def _cipher(self, key_id: str) -> AESGCM:
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            secret = self._secrets[key_id]
            key = secret if isinstance(secret, bytes) else await secret.get()
            cipher = self._ciphers[key_id] = AESGCM(key)
        return cipher

    def _bound(self, key_id: str, address: Address) -> bytes:
        """Return the associated data of an entry, without which its value cannot be decrypted."""
        return Address((f"{ENCRYPTION_VERSION}:{key_id}", "")).as_bytes() + address.as_bytes()
