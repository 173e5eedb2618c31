"""Write the table of each store's abilities into the documentation."""

import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from unittest.mock import MagicMock, patch

from key_value.aio.protocols import ABILITIES
from key_value.aio.stores.aerospike import AerospikeStore
from key_value.aio.stores.azure_tables import AzureTablesStore
from key_value.aio.stores.chdb import ChDBStore
from key_value.aio.stores.disk import DiskStore, MultiDiskStore
from key_value.aio.stores.duckdb import DuckDBStore
from key_value.aio.stores.dynamodb import DynamoDBStore
from key_value.aio.stores.elasticsearch import ElasticsearchStore
from key_value.aio.stores.filetree import FileTreeStore
from key_value.aio.stores.firestore import FirestoreStore
from key_value.aio.stores.keyring import KeyringStore
from key_value.aio.stores.memcached import MemcachedStore
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.mongodb import MongoDBStore
from key_value.aio.stores.null import NullStore
from key_value.aio.stores.opensearch import OpenSearchStore
from key_value.aio.stores.postgresql import PostgreSQLStore
from key_value.aio.stores.redis import RedisStore
from key_value.aio.stores.rocksdb import RocksDBStore
from key_value.aio.stores.s3 import S3Store
from key_value.aio.stores.simple import SimpleStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.stores.valkey import ValkeyStore
from key_value.aio.stores.vault import VaultStore

PAGE = Path(__file__).parents[1] / "docs" / "concurrency.md"
NOWHERE = Path("nothing-is-opened")


def windows_registry() -> object:
    """Return a registry store on any system: creating it does not need a registry."""
    with patch.dict(sys.modules, {"winreg": MagicMock()}):
        return import_module("key_value.aio.stores.windows_registry").WindowsRegistryStore()


STORES: Mapping[str, Callable[[], object]] = {
    "AerospikeStore": AerospikeStore,
    "AzureTablesStore": lambda: AzureTablesStore(connection_string="AccountName=a", table_name="t"),
    "ChDBStore": lambda: ChDBStore(database_path=NOWHERE),
    "DiskStore": lambda: DiskStore(directory=NOWHERE),
    "DuckDBStore": lambda: DuckDBStore(database_path=NOWHERE),
    "DynamoDBStore": lambda: DynamoDBStore(table_name="nothing-is-opened"),
    "ElasticsearchStore": lambda: ElasticsearchStore(url="http://localhost:9200", index_prefix="a"),
    "FileTreeStore": lambda: FileTreeStore(data_directory=NOWHERE),
    "FirestoreStore": FirestoreStore,
    "KeyringStore": KeyringStore,
    "MemcachedStore": MemcachedStore,
    "MemoryStore": MemoryStore,
    "MongoDBStore": MongoDBStore,
    "MultiDiskStore": lambda: MultiDiskStore(base_directory=NOWHERE),
    "NullStore": NullStore,
    "OpenSearchStore": lambda: OpenSearchStore(url="http://localhost:9200", index_prefix="a"),
    "PostgreSQLStore": PostgreSQLStore,
    "RedisStore": RedisStore,
    "RocksDBStore": lambda: RocksDBStore(path=NOWHERE),
    "S3Store": lambda: S3Store(bucket_name="bucket"),
    "SQLiteStore": lambda: SQLiteStore(NOWHERE),
    "SimpleStore": SimpleStore,
    "ValkeyStore": ValkeyStore,
    "VaultStore": VaultStore,
    "WindowsRegistryStore": windows_registry,
}
"""Each store, with arguments that do not change its abilities."""

REASONS: Mapping[str, str] = {
    "KeyringStore": "Keyrings cannot list their items or write conditionally.",
    "MemcachedStore": "Memcached cannot list keys, and `flush_all` would remove other applications' data.",
    "NullStore": "It stores nothing.",
    "WindowsRegistryStore": "`winreg` cannot write conditionally.",
}
"""Reasons why a store lacks abilities."""

_TABLE = re.compile(r"(<!-- abilities -->\n).*?(<!-- /abilities -->)", re.DOTALL)


def abilities(open_store: Callable[[], object]) -> dict[str, bool]:
    """Return whether a store has the method of each ability."""
    store = open_store()
    return {ability.method: isinstance(store, ability.protocol) for ability in ABILITIES}


def table() -> str:
    """Return the table as Markdown, with a reason for each store that lacks an ability.

    Raises:
        KeyError: A store lacks an ability without a reason.
    """
    methods = [ability.method for ability in ABILITIES]
    head = f"| store | {' | '.join(f'`{method}`' for method in methods)} |\n|---|{':-:|' * len(methods)}\n"
    rows = {name: abilities(open_store) for name, open_store in STORES.items()}
    reasons = [f"- `{name}`: {REASONS[name]}\n" for name, has in rows.items() if not all(has.values())]
    return (
        head
        + "".join(
            f"| `{name}` | {' | '.join('yes' if has[method] else '-' for method in methods)} |\n"
            for name, has in rows.items()
        )
        + "\n"
        + "".join(reasons)
    )


def written() -> str:
    """Return the page with an up-to-date table."""
    return _TABLE.sub(lambda found: found[1] + table() + found[2], PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(written())
