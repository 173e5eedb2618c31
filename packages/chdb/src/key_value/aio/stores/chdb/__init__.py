"""The chDB store: `ChDBStore`."""

from key_value.aio.stores.chdb.store import ChDBStore

__all__ = ["ChDBStore"]
