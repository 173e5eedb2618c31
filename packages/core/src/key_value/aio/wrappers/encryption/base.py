"""A wrapper that encrypts values with functions passed to it."""

from collections.abc import Callable
from functools import partial

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.threads import run_in_thread_if_large
from key_value.aio.wrappers.encryption.envelope import Envelope
from key_value.aio.wrappers.encryption.sealing import Address, SealingWrapper

EncryptionFn = Callable[[bytes], bytes]
DecryptionFn = Callable[[bytes, int], bytes]


class BaseEncryptionWrapper(SealingWrapper):
    """A wrapper that encrypts values with functions passed to it, large values in a thread.

    The stored form is that of the 0.5 series. It does not record which entry a value belongs to: anyone with
    write access to the store can exchange two values. `AESGCMEncryptionWrapper` detects that.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        encryption_fn: EncryptionFn,
        decryption_fn: DecryptionFn,
        encryption_version: int,
        raise_on_decryption_error: bool = True,
        *,
        allow_plaintext: bool = False,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            encryption_fn: Function that encrypts bytes.
            decryption_fn: Function that decrypts bytes; it is also called with the version stored with them.
            encryption_version: Version to store with encrypted values.
            raise_on_decryption_error: Whether a value that cannot be decrypted raises an error instead of
                counting as missing.
            allow_plaintext: Whether to read values that are not encrypted, while old ones remain.
        """
        super().__init__(
            key_value, raise_on_decryption_error=raise_on_decryption_error, allow_plaintext=allow_plaintext
        )
        self._encryption_fn = encryption_fn
        self._decryption_fn = decryption_fn
        self.encryption_version = encryption_version

    @override
    async def _encrypt(self, plain: bytes, address: Address) -> Envelope:
        return Envelope(await run_in_thread_if_large(self._encryption_fn, plain), self.encryption_version)

    @override
    async def _decrypt(self, envelope: Envelope, address: Address) -> bytes:
        return await run_in_thread_if_large(
            partial(_decrypt, self._decryption_fn, envelope.version), envelope.data
        )


def _decrypt(decryption_fn: DecryptionFn, version: int, data: bytes) -> bytes:
    return decryption_fn(data, version)
