"""A store in the keyring of the operating system."""

import sys
from collections.abc import Callable
from functools import partial
from typing import ClassVar, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import (
    BaseKeyValueError,
    DeserializationError,
    KeyValueStoreError,
    StoreConnectionError,
)
from key_value.aio.stores.base import BytesStore, SanitizationStrategy
from key_value.aio.stores.base.address import SEPARATOR
from key_value.aio.stores.base.places import Entry
from key_value.aio.stores.base.worker import MAXIMUM_BATCH, Worker
from key_value.aio.stores.keyring.driver import UNREACHABLE
from key_value.aio.stores.keyring.names import (
    LONGEST_NAME,
    PLAIN,
    KeyringV1CollectionSanitizationStrategy,
    KeyringV1KeySanitizationStrategy,
    Naming,
)
from key_value.aio.stores.keyring.passwords import Passwords, open_passwords

__all__ = [
    "KeyringStore",
    "KeyringV1CollectionSanitizationStrategy",
    "KeyringV1KeySanitizationStrategy",
]

T = TypeVar("T")

_ON_WINDOWS = sys.platform == "win32"


class KeyringStore(BytesStore):
    """A store in the keyring of the operating system, for the few small secrets of one user.

    It is the Secret Service (GNOME, KWallet) on Linux, the Keychain on macOS and the Credential Manager on
    Windows: whatever the `keyring` package chooses. Nothing can be listed, so expired entries stay until they
    are overwritten or deleted; there is no `cull`. Nor is there a `put_if_absent`, since no keyring has one.

    Each call takes some 20 ms on Linux, in a thread of the store's own. A locked keyring asks the user to
    unlock it, and the calls wait; one that stays locked, or is absent or disabled, raises
    `StoreConnectionError`. On Windows, where an item has 1280 characters at most, a longer entry is kept in
    several items, and replaced as one; capitals in names are percent-encoded there.
    """

    max_concurrency: int = MAXIMUM_BATCH
    longest_password: ClassVar[int | None] = 1280 if _ON_WINDOWS else None
    """Characters that one item of the keyring may have; None for any number.

    The Credential Manager takes 2560 bytes, two for each character:
    https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw
    """
    _naming: ClassVar[Naming] = Naming(windows=_ON_WINDOWS)

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        service_name: str = "py-key-value",
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
    ) -> None:
        """Name a service; the keyring is not touched before it is used.

        Args:
            service_name: The service that all entries belong to.
            default_collection: The collection used where none is named.
            key_sanitization_strategy: What to make of keys, in place of escaping what the keyring cannot
                hold. `KeyringV1KeySanitizationStrategy` is for entries that were written with it.
            collection_sanitization_strategy: The same for collections.
        """
        super().__init__(
            key_sanitization_strategy=key_sanitization_strategy or self._naming.keys,
            collection_sanitization_strategy=collection_sanitization_strategy or self._naming.collections,
            default_collection=default_collection,
        )
        self._former_keys = key_sanitization_strategy or PLAIN.keys
        self._former_collections = collection_sanitization_strategy or PLAIN.collections
        self._worker = Worker(
            f"KeyringStore {service_name}",
            partial(open_passwords, service_name, longest=self.longest_password),
        )

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)
        await self._worker.run(lambda _: None)

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        # A keyring may be anybody's, and raises what its own driver does.
        kind = StoreConnectionError if isinstance(error, UNREACHABLE) else KeyValueStoreError
        return kind(message=str(error), extra_info={"store": type(self).__name__})

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        text = await self._run(Entry[str].read, collection, key)
        return None if text is None else text.encode()

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        await self._run(partial(Entry[str].write, text=data.decode()), collection, key)

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        return await self._run(Entry[str].delete, collection, key)

    def _entry(self, collection: str, key: str) -> Entry[str]:
        here = SEPARATOR.join(self._sanitize_collection_and_key(collection, key))
        former = SEPARATOR.join(
            (self._former_collections.sanitize(collection), self._former_keys.sanitize(key))
        )
        can_be_there = former != here and len(former) <= LONGEST_NAME
        return Entry(collection, key, here, former if can_be_there else None)

    async def _run(self, work: Callable[[Entry[str], Passwords], T], collection: str, key: str) -> T:
        entry = self._entry(collection, key)
        try:
            return await self._worker.run(lambda passwords: work(entry, passwords))
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error
