"""The DuckDB store: `DuckDBStore`."""

from key_value.aio.stores.duckdb.store import DuckDBStore

__all__ = ["DuckDBStore"]
