"""A wrapper that encrypts values by functions that it is given."""

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
    """Encrypts values by functions that it is given; large ones in a thread.

    The form is that of the 0.5 series. Nothing in it says which entry a value belongs to: anyone that can
    write to the store can exchange two of them, which `AESGCMEncryptionWrapper` detects.
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
            key_value: The store.
            encryption_fn: Encrypts bytes.
            decryption_fn: Decrypts bytes, given also the version that they are marked with.
            encryption_version: The version to mark them with.
            raise_on_decryption_error: Whether a value that cannot be decrypted is an error, rather than
                missing.
            allow_plaintext: Whether a value that is not encrypted is read; while old ones are still there.
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
