"""The stores in diskcache directories: `DiskStore` and `MultiDiskStore`."""

from key_value.aio.stores.disk.multi_store import MultiDiskStore
from key_value.aio.stores.disk.store import DiskStore

__all__ = ["DiskStore", "MultiDiskStore"]
