"""A store in WindowsRegistry."""

from key_value.aio.stores.windows_registry.store import WindowsRegistryStore

__all__ = ["WindowsRegistryStore"]
