"""The SQLite store: `SQLiteStore`."""

from key_value.aio.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
