"""The MongoDB store: `MongoDBStore`."""

try:
    from key_value.aio.stores.mongodb.store import MongoDBStore
except ModuleNotFoundError as error:
    if error.name not in ("bson", "pymongo"):
        raise
    raise ImportError("MongoDBStore needs pymongo: pip install 'py-key-value-aio[mongodb]'") from error

__all__ = ["MongoDBStore"]
