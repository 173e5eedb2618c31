"""RocksDB's driver, and what its errors mean."""

from pathlib import Path

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError

try:
    from rocksdict import DbClosedError, Options, Rdict, RdictIter, WriteBatch, WriteOptions
except ImportError as error:
    raise ImportError("RocksDBStore needs rocksdict: pip install 'py-key-value-aio[rocksdb]'") from error

__all__ = [
    "Options",
    "Rdict",
    "RdictIter",
    "WriteBatch",
    "WriteOptions",
    "is_stall",
    "meaning",
    "open_directory",
]


def open_directory(path: Path, options: Options | None) -> Rdict:
    """Open the database in a directory, or make it there."""
    options = options or Options()
    try:
        rdict = Rdict(str(path), options)
    except Exception as error:
        # The driver rewrites its configuration file when it opens. A process that was killed then left half
        # of one, so that the database seems to be another driver's; the attempt that failed has mended it.
        if "comparator" not in str(error):
            raise
        rdict = Rdict(str(path), options)
    # Nothing here is a pickle, and to load one is to run what it says.
    rdict.set_loads(bytes)
    return rdict


def meaning(error: Exception) -> KeyValueStoreError | None:
    """The error to raise for one of rocksdict's, most of which are plain exceptions; None for any other."""
    text = str(error)
    if isinstance(error, DbClosedError):
        return StoreConnectionError(message=f"RocksDB: {text}")
    if type(error) is not Exception:
        return None
    if "lock" in text:
        message = f"RocksDB lets one process at a time use a directory, once, and it is in use: {text}"
        return StoreConnectionError(message=message)
    kind = StoreConnectionError if text.startswith("IO error") else KeyValueStoreError
    return kind(message=f"RocksDB: {text}")


def is_stall(error: Exception) -> bool:
    """Whether a write was refused that was not to wait."""
    return str(error).startswith("Result incomplete")
