"""The RocksDB store: `RocksDBStore`."""

from key_value.aio.stores.rocksdb.store import RocksDBStore

__all__ = ["RocksDBStore"]
