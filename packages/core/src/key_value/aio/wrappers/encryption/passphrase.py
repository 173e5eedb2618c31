"""Derive a key from a passphrase, slowly on purpose."""

import asyncio
import hashlib

from key_value.aio.stores.base.once import Once

KDF_ITERATIONS = 1_200_000
"""Rounds of PBKDF2; OWASP advises 600 000 at least for SHA-256."""

KEY_BYTES = 32


def derive(passphrase: str, salt: str) -> bytes:
    """Derive a key of 256 bits by PBKDF2 with HMAC and SHA-256."""
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt.encode(), KDF_ITERATIONS, KEY_BYTES)


class DerivedKey:
    """A key that is derived in a thread, when it is first needed."""

    def __init__(self, passphrase: str, salt: str) -> None:
        """Describe a key; it is derived when it is first used.

        Raises:
            ValueError: One of them is blank.
        """
        if not passphrase.strip():
            raise ValueError("A passphrase must not be blank")
        if not salt.strip():
            raise ValueError("Must provide a salt")
        self._from = passphrase, salt
        self._once = Once(self._derive)
        self._key = b""

    async def get(self) -> bytes:
        """Return the key, deriving it if this is its first use."""
        if not self._once.done:
            await self._once.ensure()
        return self._key

    async def _derive(self) -> None:
        self._key = await asyncio.to_thread(derive, *self._from)
