"""The stores on diskcache: `DiskStore`, and `MultiDiskStore` with a cache for each collection."""

from key_value.aio.stores.disk.multi_store import MultiDiskStore
from key_value.aio.stores.disk.store import DiskStore

__all__ = ["DiskStore", "MultiDiskStore"]
