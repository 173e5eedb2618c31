"""Base classes and building blocks for backends.

The names in `__all__` are for stores; the other names that can be imported from here are those of the 0.5
series.
"""

from importlib.util import find_spec

if (_owner := find_spec("key_value")) is not None and _owner.origin is not None:
    raise ImportError(
        f"{_owner.origin} belongs to another distribution, which occupies the whole package key_value: "
        "uninstall it, and then reinstall py-key-value-aio"
    )

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.sanitization import AlwaysHashStrategy as AlwaysHashStrategy
from key_value.aio._utils.sanitization import HashExcessLengthStrategy as HashExcessLengthStrategy
from key_value.aio._utils.sanitization import HashFragmentMode as HashFragmentMode
from key_value.aio._utils.sanitization import HybridSanitizationStrategy
from key_value.aio._utils.sanitization import PassthroughStrategy as PassthroughStrategy
from key_value.aio._utils.sanitization import SanitizationStrategy as SanitizationStrategy
from key_value.aio._utils.serialization import BasicSerializationAdapter as BasicSerializationAdapter
from key_value.aio._utils.serialization import SerializationAdapter as SerializationAdapter
from key_value.aio.stores.base.abilities import BaseContextManagerStore as BaseContextManagerStore
from key_value.aio.stores.base.abilities import BaseCullStore as BaseCullStore
from key_value.aio.stores.base.abilities import BaseDestroyCollectionStore as BaseDestroyCollectionStore
from key_value.aio.stores.base.abilities import BaseDestroyStore as BaseDestroyStore
from key_value.aio.stores.base.abilities import BaseEnumerateCollectionsStore as BaseEnumerateCollectionsStore
from key_value.aio.stores.base.abilities import BaseEnumerateKeysStore as BaseEnumerateKeysStore
from key_value.aio.stores.base.batches import BatchLimit
from key_value.aio.stores.base.bytes_store import BytesStore
from key_value.aio.stores.base.client_per_loop import ClientPerLoop
from key_value.aio.stores.base.codec import restore, snapshot
from key_value.aio.stores.base.directories import Directory
from key_value.aio.stores.base.files import absolute, file_names, make_directory
from key_value.aio.stores.base.names import Address, Names
from key_value.aio.stores.base.paged_bytes_store import AddressPage, PagedBytesStore
from key_value.aio.stores.base.paged_bytes_store import PagedKeysBytesStore as PagedKeysBytesStore
from key_value.aio.stores.base.paged_store import Listed, ListedPage, PagedStore
from key_value.aio.stores.base.row_store import Row, RowPage, RowStore
from key_value.aio.stores.base.sqlite_errors import sqlite_error
from key_value.aio.stores.base.store import DEFAULT_SEED_DATA as DEFAULT_SEED_DATA
from key_value.aio.stores.base.store import FROZEN_SEED_DATA_TYPE as FROZEN_SEED_DATA_TYPE
from key_value.aio.stores.base.store import SEED_DATA_TYPE as SEED_DATA_TYPE
from key_value.aio.stores.base.store import BaseStore
from key_value.aio.stores.base.table_store import Table, TableStore
from key_value.aio.stores.base.versioned_bytes_store import VersionedBytesStore
from key_value.aio.stores.base.versioned_store import VersionedStore
from key_value.aio.stores.base.worker import Worker

__all__ = [
    "Address",
    "AddressPage",
    "BaseStore",
    "BatchLimit",
    "BytesStore",
    "ClientPerLoop",
    "Directory",
    "EscapingStrategy",
    "HybridSanitizationStrategy",
    "Listed",
    "ListedPage",
    "ManagedEntry",
    "Names",
    "PagedBytesStore",
    "PagedStore",
    "Row",
    "RowPage",
    "RowStore",
    "Table",
    "TableStore",
    "VersionedBytesStore",
    "VersionedStore",
    "Worker",
    "absolute",
    "file_names",
    "make_directory",
    "restore",
    "snapshot",
    "sqlite_error",
    "warns_on_wrong_types",
]
