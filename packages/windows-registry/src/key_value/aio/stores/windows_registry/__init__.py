"""The Windows registry store: `WindowsRegistryStore`."""

from key_value.aio.stores.windows_registry.names import WindowsRegistryV1CollectionSanitizationStrategy
from key_value.aio.stores.windows_registry.store import WindowsRegistryStore

__all__ = ["WindowsRegistryStore", "WindowsRegistryV1CollectionSanitizationStrategy"]
