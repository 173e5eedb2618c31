"""The Valkey store: `ValkeyStore`."""

from key_value.aio.stores.valkey.store import ValkeyStore

__all__ = ["ValkeyStore"]
