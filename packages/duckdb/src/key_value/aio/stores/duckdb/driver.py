"""DuckDB's driver, and what its errors mean."""

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError

try:
    import duckdb
except ImportError as error:
    raise ImportError("DuckDBStore needs duckdb: pip install 'py-key-value-aio[duckdb]'") from error

__all__ = ["duckdb", "is_hindrance", "meaning"]


def meaning(error: Exception) -> KeyValueStoreError | None:
    """The error to raise for one of DuckDB's; None for any other."""
    if not isinstance(error, duckdb.Error):
        return None
    if isinstance(error, duckdb.IOException) and "lock" in str(error):
        message = f"DuckDB lets one process at a time use a database, and another one does: {error}"
        return StoreConnectionError(message=message)
    if isinstance(error, duckdb.IOException | duckdb.ConnectionException):
        return StoreConnectionError(message=f"DuckDB: {error}")
    return KeyValueStoreError(message=f"DuckDB: {error}")


def is_hindrance(error: Exception) -> bool:
    """Whether another connection changed, or first inserted, the same row meanwhile."""
    if isinstance(error, duckdb.ConstraintException):
        return "duplicate key" in str(error).lower()
    return isinstance(error, duckdb.TransactionException)
