"""DuckDB's driver and its exceptions."""

import re

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError

try:
    import duckdb
except ImportError as error:
    raise ImportError("DuckDBStore needs duckdb: pip install 'py-key-value-aio[duckdb]'") from error

__all__ = ["ERRORS", "duckdb", "is_conflict"]

ERRORS = (
    # One process at a time can use a file: that another one does is an IOException too.
    ((duckdb.IOException, duckdb.ConnectionException, OSError), StoreConnectionError),
    (duckdb.Error, KeyValueStoreError),
)


_CONFLICT = re.compile("conflict|duplicate key", re.IGNORECASE)
"""Two connections have changed one row: that is found in the statement, or when it is committed."""


def is_conflict(error: Exception) -> bool:
    """Return whether another connection changed, or first inserted, the same row meanwhile."""
    if isinstance(error, duckdb.ConstraintException):
        return "duplicate key" in str(error).lower()
    # A full disk is a TransactionException too, and does not pass.
    return isinstance(error, duckdb.TransactionException) and _CONFLICT.search(str(error)) is not None
