"""What a store is made of: `BaseStore` or `BytesStore`, and a class for each ability it has."""

from importlib.util import find_spec

if (_owner := find_spec("key_value")) is not None and _owner.origin is not None:
    raise ImportError(
        f"{_owner.origin} belongs to another distribution that takes the whole name key_value for itself: "
        "uninstall it, and then reinstall py-key-value-aio"
    )

from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.sanitization import PassthroughStrategy, SanitizationStrategy
from key_value.aio._utils.serialization import BasicSerializationAdapter, SerializationAdapter
from key_value.aio.stores.base.abilities import (
    BaseContextManagerStore,
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
)
from key_value.aio.stores.base.bytes_store import BytesStore, DocumentStore
from key_value.aio.stores.base.store import (
    DEFAULT_SEED_DATA,
    FROZEN_SEED_DATA_TYPE,
    SEED_DATA_TYPE,
    BaseStore,
)

__all__ = [
    "DEFAULT_SEED_DATA",
    "FROZEN_SEED_DATA_TYPE",
    "SEED_DATA_TYPE",
    "BaseContextManagerStore",
    "BaseCullStore",
    "BaseDestroyCollectionStore",
    "BaseDestroyStore",
    "BaseEnumerateCollectionsStore",
    "BaseEnumerateKeysStore",
    "BasePutIfAbsentStore",
    "BaseStore",
    "BasicSerializationAdapter",
    "BytesStore",
    "DocumentStore",
    "ManagedEntry",
    "PassthroughStrategy",
    "SanitizationStrategy",
    "SerializationAdapter",
]
