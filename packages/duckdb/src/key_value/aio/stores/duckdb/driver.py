"""DuckDB's driver and its exceptions."""

import re

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError

try:
    import duckdb
except ImportError as error:
    raise ImportError("DuckDBStore needs duckdb: pip install 'py-key-value-aio[duckdb]'") from error

__all__ = ["ERRORS", "duckdb", "is_conflict"]

ERRORS = (
    # A file can be used by one process at a time; otherwise DuckDB raises an IOException, too.
    ((duckdb.IOException, duckdb.ConnectionException, OSError), StoreConnectionError),
    (duckdb.Error, KeyValueStoreError),
)


_CONFLICT = re.compile("conflict|duplicate key", re.IGNORECASE)
"""Two connections changed the same row; DuckDB reports that in the statement or on commit."""


def is_conflict(error: Exception) -> bool:
    """Return whether another connection changed or inserted the same row in the meantime."""
    if isinstance(error, duckdb.ConstraintException):
        return "duplicate key" in str(error).lower()
    # A full disk is a TransactionException, too, but a retry does not help.
    return isinstance(error, duckdb.TransactionException) and _CONFLICT.search(str(error)) is not None
