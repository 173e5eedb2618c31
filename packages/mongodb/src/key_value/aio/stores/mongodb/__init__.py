"""The MongoDB store: `MongoDBStore`."""

from key_value.aio.stores.mongodb.store import MongoDBStore

__all__ = ["MongoDBStore"]
