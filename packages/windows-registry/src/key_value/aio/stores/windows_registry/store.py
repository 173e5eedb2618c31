"""A store in the Windows registry."""

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import SplitResult

from typing_extensions import override

from key_value.aio.errors import KeyValueStoreError
from key_value.aio.stores.base import (
    AddressPage,
    PagedBytesStore,
    SanitizationStrategy,
    Worker,
    warns_on_wrong_types,
)
from key_value.aio.stores.windows_registry.driver import winreg
from key_value.aio.stores.windows_registry.names import (
    RegistryNames,
    WindowsRegistryV1CollectionSanitizationStrategy,
)
from key_value.aio.stores.windows_registry.registry import Registry

__all__ = ["Hive", "WindowsRegistryStore", "WindowsRegistryV1CollectionSanitizationStrategy"]

Hive = Literal["HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"]


class WindowsRegistryStore(PagedBytesStore):
    """A store in the Windows registry, for settings and other small values.

    Each collection is a subkey of the store's key, and each entry a value in it, of type `REG_SZ`. The
    registry ignores case, so capitals in names are percent-encoded. Only values written by a store are
    listed, culled or destroyed; other values below the same key are left alone, including unreadable ones.

    winreg has no conditional writes, so there are no versions, `pop`, `touch` or `put_if_absent`. For the
    same reason, `cull` may remove an entry that another process replaces at that very moment.
    """

    errors = ((OSError, KeyValueStoreError),)
    writes_in_order = True
    max_concurrency: int = 1000
    url_parts = (("host", "hive"), ("path", "registry_path"))

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
        r"""Initialize with a registry key, which is opened on first use.

        Args:
            hive: `HKEY_CURRENT_USER`, the default, or `HKEY_LOCAL_MACHINE`, which administrators may write.
            registry_path: Key below the hive. Defaults to `Software\py-key-value`.
            default_collection: Collection used when a call does not name one.
            key_sanitization_strategy: Strategy that maps keys to names of values. By default, characters that
                the registry does not support or distinguish are escaped.
            collection_sanitization_strategy: The same for collections.
                `WindowsRegistryV1CollectionSanitizationStrategy` is for entries that were written with it.

        Raises:
            ValueError: `hive` has another value.
        """
        if hive not in (None, "HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"):
            raise ValueError(f"hive must be 'HKEY_CURRENT_USER' or 'HKEY_LOCAL_MACHINE', not {hive!r}")
        super().__init__(default_collection=default_collection)
        self.hive: Hive = hive or "HKEY_CURRENT_USER"
        self.registry_path = registry_path or r"Software\py-key-value"
        self.location = f"{self.hive}\\{self.registry_path}"
        self.names = RegistryNames(
            keys=key_sanitization_strategy, collections=collection_sanitization_strategy
        )
        registry = Registry(getattr(winreg, self.hive), self.registry_path)
        self._worker = self._owns(Worker(repr(self), lambda: registry))

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        # Registry keys are separated by backslashes.
        return super()._arguments_from_url(url._replace(path="/" + url.path[1:].replace("/", "%5C")))

    @override
    async def _read(self, address: str) -> bytes | None:
        text = await self._worker.run(lambda registry: registry.get(address))
        return None if text is None else text.encode(errors="surrogatepass")

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._worker.run(lambda registry: registry.set(address, data.decode()), writes=True)

    @override
    async def _remove(self, address: str) -> None:
        await self._worker.run(lambda registry: registry.delete(address), writes=True)

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        await self._worker.run(lambda registry: registry.delete_all(addresses), writes=True)
        return [None] * len(addresses)

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        texts = await self._worker.run(lambda registry: registry.texts_after(prefix, cursor, limit))
        items = [(address, text.encode(errors="replace")) for address, text in texts]
        return AddressPage(items, items[-1][0] if len(items) == limit else None)
