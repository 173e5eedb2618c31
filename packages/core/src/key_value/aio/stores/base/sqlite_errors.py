"""SQLite's errors, for the stores built on it."""

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError, StoreTimeoutError


def sqlite_error(store: str, error: Exception) -> KeyValueStoreError:
    """Map an exception of `sqlite3` by its message, which is all that Python 3.10 provides.

    Args:
        store: Name of the store, for the message.
        error: Exception to map.
    """
    text = str(error)
    kind = KeyValueStoreError
    if "locked" in text:
        kind = StoreTimeoutError
    elif "unable to open" in text:
        kind = StoreConnectionError
    return kind(message=f"{store}: {text}")
