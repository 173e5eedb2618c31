"""The memcached store: `MemcachedStore`."""

from key_value.aio.stores.memcached.names import MemcachedV1KeySanitizationStrategy
from key_value.aio.stores.memcached.store import MemcachedStore

__all__ = ["MemcachedStore", "MemcachedV1KeySanitizationStrategy"]
