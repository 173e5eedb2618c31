"""A store in Disk."""

from key_value.aio.stores.disk.store import DiskStore

__all__ = ["DiskStore"]
