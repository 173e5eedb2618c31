"""The PostgreSQL store: `PostgreSQLStore`."""

from key_value.aio.stores.postgresql.store import PostgreSQLStore

__all__ = ["PostgreSQLStore"]
