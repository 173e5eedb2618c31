"""A store in the registry of Windows."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import BaseKeyValueError, DeserializationError, KeyValueStoreError
from key_value.aio.stores.base import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BytesStore,
    SanitizationStrategy,
)
from key_value.aio.stores.base.places import Entry
from key_value.aio.stores.base.worker import MAXIMUM_BATCH, Bench, Worker
from key_value.aio.stores.windows_registry.driver import winreg
from key_value.aio.stores.windows_registry.entries import Found, cull, find, remove
from key_value.aio.stores.windows_registry.names import (
    COLLECTIONS,
    FORMER_COLLECTIONS,
    FORMER_KEYS,
    KEYS,
    Place,
    WindowsRegistryV1CollectionSanitizationStrategy,
)
from key_value.aio.stores.windows_registry.registry import Registry

__all__ = ["Hive", "WindowsRegistryStore", "WindowsRegistryV1CollectionSanitizationStrategy"]

Hive = Literal["HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"]

T = TypeVar("T")


class WindowsRegistryStore(
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BaseCullStore,
    BytesStore,
):
    """A store in the registry of Windows, for settings and other small values.

    Each collection is a key below that of the store, and each entry a value in it, of type `REG_SZ`. The
    registry pays no regard to case, so capitals in names are percent-encoded. Expired entries stay until
    `cull`. What is listed, culled or destroyed is what a store wrote: values of others below the same key
    are left alone, and so is what cannot be read.

    There is no `put_if_absent`: winreg has no way to set a value only where there is none. For the same
    reason a `cull` can remove an entry that another process replaces in that very moment.
    """

    max_concurrency: int = MAXIMUM_BATCH

    @warns_on_wrong_types
    def __init__(
        self,
        *,
        hive: Hive | None = None,
        registry_path: str | None = None,
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
    ) -> None:
        r"""Name a key of the registry; nothing is opened before it is used.

        Args:
            hive: `HKEY_CURRENT_USER`, unless given, or `HKEY_LOCAL_MACHINE`, which administrators may write.
            registry_path: The key below the hive; `Software\py-key-value` unless given.
            default_collection: The collection used where none is named.
            key_sanitization_strategy: What to make of keys, in place of escaping what the registry cannot
                hold or tell apart.
            collection_sanitization_strategy: The same for collections.
                `WindowsRegistryV1CollectionSanitizationStrategy` is for entries that were written with it.

        Raises:
            ValueError: There is no such hive.
        """
        if hive not in (None, "HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"):
            raise ValueError(f"hive must be 'HKEY_CURRENT_USER' or 'HKEY_LOCAL_MACHINE', not {hive!r}")
        super().__init__(
            key_sanitization_strategy=key_sanitization_strategy or KEYS,
            collection_sanitization_strategy=collection_sanitization_strategy or COLLECTIONS,
            default_collection=default_collection,
        )
        self.hive: Hive = hive or "HKEY_CURRENT_USER"
        self.registry_path = registry_path or r"Software\py-key-value"
        self._former_keys = key_sanitization_strategy or FORMER_KEYS
        self._former_collections = collection_sanitization_strategy or FORMER_COLLECTIONS
        registry = Registry(getattr(winreg, self.hive), self.registry_path)
        self._worker = Worker(
            f"WindowsRegistryStore {self.registry_path}", partial(Bench[Registry], registry)
        )

    @override
    async def _setup(self) -> None:
        self._worker.open()
        self._exit_stack.push_async_callback(self._worker.close)

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        if not isinstance(error, OSError):
            return None
        extra = {"store": type(self).__name__, "path": f"{self.hive}\\{self.registry_path}"}
        return KeyValueStoreError(message=str(error), extra_info=dict(extra))

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        text = await self._run(Entry[Place].read, collection, key)
        return None if text is None else text.encode(errors="surrogatepass")

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        await self._run(partial(Entry[Place].write, text=data.decode()), collection, key)

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        return await self._run(Entry[Place].delete, collection, key)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        return await self._worker.run(
            lambda registry: [
                found.key for found in self._in_collection(registry, collection) if found.is_living
            ]
        )

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        return await self._worker.run(
            lambda registry: [found.collection for found in self._in_store(registry) if found.is_living]
        )

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._worker.run(
            lambda registry: remove(registry, self._in_collection(registry, collection))
        )

    @override
    async def _delete_store(self) -> bool:
        def destroy(registry: Registry) -> None:
            remove(registry, self._in_store(registry))
            registry.prune()

        await self._worker.run(destroy)
        return True

    @override
    async def _cull(self) -> None:
        await self._worker.run(lambda registry: cull(registry, self._in_store(registry)))

    def _in_collection(self, registry: Registry, collection: str) -> Iterator[Found]:
        entry = self._entry(collection, "")
        places = [entry.here] if entry.former is None else [entry.here, entry.former]
        subkeys = {place.subkey.lower(): place.subkey for place in places}
        found = find(registry, subkeys.values(), self._entry)
        return (each for each in found if each.collection == collection)

    def _in_store(self, registry: Registry) -> Iterator[Found]:
        return find(registry, registry.subkeys(), self._entry)

    def _entry(self, collection: str, key: str) -> Entry[Place]:
        here = Place(*self._sanitize_collection_and_key(collection, key))
        former = Place(self._former_collections.sanitize(collection), self._former_keys.sanitize(key))
        return Entry(collection, key, here, None if former == here else former)

    async def _run(self, work: Callable[[Entry[Place], Registry], T], collection: str, key: str) -> T:
        entry = self._entry(collection, key)
        try:
            return await self._worker.run(lambda registry: work(entry, registry))
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error
