"""A store in ChDB."""

from key_value.aio.stores.chdb.store import ChDBStore

__all__ = ["ChDBStore"]
