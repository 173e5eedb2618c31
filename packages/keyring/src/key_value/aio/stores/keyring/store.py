"""A store in the keyring of the operating system."""

import sys
from functools import partial
from typing import ClassVar

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, KeyValueStoreError, StoreConnectionError
from key_value.aio.stores.base import BytesStore, SanitizationStrategy, Worker, warns_on_wrong_types
from key_value.aio.stores.keyring.driver import UNREACHABLE
from key_value.aio.stores.keyring.names import (
    KeyringNames,
    KeyringV1CollectionSanitizationStrategy,
    KeyringV1KeySanitizationStrategy,
)
from key_value.aio.stores.keyring.secrets import open_secrets

__all__ = [
    "KeyringStore",
    "KeyringV1CollectionSanitizationStrategy",
    "KeyringV1KeySanitizationStrategy",
]

_ON_WINDOWS = sys.platform == "win32"


class KeyringStore(BytesStore):
    """A store in the keyring of the operating system, for a few small secrets of one user.

    The `keyring` package selects the backend: the Secret Service (GNOME, KWallet) on Linux, the Keychain on
    macOS, the Credential Manager on Windows. Nothing can be listed, so expired entries stay until they are
    overwritten or deleted. Keyrings have no conditional writes, so there are no versions, `pop`, `touch` or
    `put_if_absent`.

    Each call takes about 20 ms on Linux, in a separate thread. A locked keyring prompts the user to unlock
    it, and calls wait for that. A keyring that stays locked, or is absent or disabled, raises
    `StoreConnectionError`. On Windows, an item is limited to 1280 characters: a longer entry is split into
    several items, which are replaced atomically, and capitals in names are percent-encoded.
    """

    writes_in_order = True
    max_concurrency: int = 1000

    longest_password: ClassVar[int | None] = 1280 if _ON_WINDOWS else None
    """Maximum number of characters in one item of the keyring; None sets no limit.

    The Credential Manager allows 2560 bytes, two for each character:
    https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw
    """
    on_windows: ClassVar[bool] = _ON_WINDOWS
    """Whether names have the limits of the Credential Manager."""

    url_parts = (("host", "service_name"),)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        service_name: str = "py-key-value",
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
    ) -> None:
        """Initialize with a service name; the keyring is accessed on first use.

        Args:
            service_name: Service that all entries belong to.
            default_collection: Collection used when a call does not name one.
            key_sanitization_strategy: Strategy that maps keys to names the keyring accepts. By default,
                unsupported characters are escaped. `KeyringV1KeySanitizationStrategy` is for entries that
                were written with it.
            collection_sanitization_strategy: The same for collections.
        """
        super().__init__(default_collection=default_collection)
        self.location = service_name
        self.names = KeyringNames(
            windows=self.on_windows,
            keys=key_sanitization_strategy,
            collections=collection_sanitization_strategy,
        )
        self._worker = self._owns(
            Worker(repr(self), partial(open_secrets, service_name, longest=self.longest_password))
        )

    @override
    async def _setup(self) -> None:
        # Fails at once if the keyring is absent or locked.
        await self._worker.run(lambda _: None)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        # Any package may provide a keyring, and raise the errors of its driver.
        kind = StoreConnectionError if isinstance(error, UNREACHABLE) else KeyValueStoreError
        return kind(message=f"{self!r}: {error}")

    @override
    async def _read(self, address: str) -> bytes | None:
        text = await self._worker.run(lambda secrets: secrets.get(address))
        return None if text is None else text.encode()

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._worker.run(lambda secrets: secrets.set(address, data.decode()), writes=True)

    @override
    async def _remove(self, address: str) -> None:
        await self._worker.run(lambda secrets: secrets.delete(address), writes=True)
