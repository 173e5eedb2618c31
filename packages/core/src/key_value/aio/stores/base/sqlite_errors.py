"""The errors of SQLite, for the stores that are built on it."""

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError, StoreTimeoutError


def sqlite_error(store: str, error: Exception) -> KeyValueStoreError:
    """Map an exception of `sqlite3`, of which Python 3.10 knows the message alone.

    Args:
        store: The name of the store in the message.
        error: The exception.
    """
    text = str(error)
    kind = KeyValueStoreError
    if "locked" in text:
        kind = StoreTimeoutError
    elif "unable to open" in text:
        kind = StoreConnectionError
    return kind(message=f"{store}: {text}")
