"""Derive a key from a passphrase, deliberately slowly."""

import asyncio
import hashlib

from key_value.aio.stores.base.once import Once

KDF_ITERATIONS = 1_200_000
"""Iterations of PBKDF2; OWASP recommends at least 600 000 for SHA-256."""

KEY_BYTES = 32


def derive(passphrase: str, salt: str) -> bytes:
    """Derive a 256-bit key with PBKDF2-HMAC-SHA-256."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt.encode(), KDF_ITERATIONS, KEY_BYTES)


class DerivedKey:
    """A key that is derived in a thread on first use."""

    def __init__(self, passphrase: str, salt: str) -> None:
        """Initialize with a passphrase and a salt; the key is derived on first use.

        Raises:
            ValueError: The passphrase or the salt is blank.
        """
        if not passphrase.strip():
            raise ValueError("A passphrase must not be blank")
        if not salt.strip():
            raise ValueError("Must provide a salt")
        self._from = passphrase, salt
        self._once = Once(self._derive)
        self._key = b""

    async def get(self) -> bytes:
        """Return the key, deriving it on first use."""
        if not self._once.done:
            await self._once.ensure()
        return self._key

    async def _derive(self) -> None:
        self._key = await asyncio.to_thread(derive, *self._from)
