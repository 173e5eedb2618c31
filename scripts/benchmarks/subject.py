"""Subjects of the benchmarks: stores, and objects with the same methods that call a driver directly."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit


class Subject(Protocol):
    """The timed operations."""

    async def put(self, key: str, value: Mapping[str, Any], *, ttl: float | None = None) -> None: ...

    async def get(self, key: str) -> Mapping[str, Any] | None: ...

    async def put_many(
        self, keys: Sequence[str], values: Sequence[Mapping[str, Any]], *, ttl: float | None = None
    ) -> None: ...

    async def get_many(self, keys: Sequence[str]) -> Sequence[Mapping[str, Any] | None]: ...

    async def delete(self, key: str) -> bool: ...

    async def delete_many(self, keys: Sequence[str]) -> int: ...


OURS: Mapping[str, str] = {
    "memory": "memory.MemoryStore()",
    "sqlite": "sqlite.SQLiteStore(place + '/store.sqlite3')",
    "disk": "disk.DiskStore(directory=place + '/disk')",
    "filetree": "filetree.FileTreeStore(data_directory=place + '/tree')",
    "rocksdb": "rocksdb.RocksDBStore(path=place + '/rocks')",
    "duckdb": "duckdb.DuckDBStore(database_path=place + '/store.duckdb')",
    "chdb": "chdb.ChDBStore(database_path=place + '/chdb')",
    "keyring": "keyring.KeyringStore(service_name=service)",
    "firestore": "firestore.FirestoreStore(project='demo-benchmark', default_collection=service)",
    "memcached": "memcached.MemcachedStore(host=host, port=port, default_collection=service)",
    "mongodb": "mongodb.MongoDBStore(url=place, db_name=table, default_collection=service)",
    "dynamodb": (
        "dynamodb.DynamoDBStore(table_name=service, endpoint_url=place, region_name='us-east-1', "
        "aws_access_key_id='local', aws_secret_access_key='local')"
    ),
    "valkey": "valkey.ValkeyStore(host=host, port=port, default_collection=service)",
    "redis": "redis.RedisStore(url=place, default_collection=service)",
    "azure_tables": "azure_tables.AzureTablesStore(connection_string=place, table_name=table)",
    "vault": "vault.VaultStore(url=f'http://{host}:{port}', token='root', default_collection=service)",
    "s3": (
        "s3.S3Store(bucket_name=service, endpoint_url=place, region_name='us-east-1',"
        " aws_access_key_id='test', aws_secret_access_key='testsecret')"
    ),
    "elasticsearch": "elasticsearch.ElasticsearchStore(url=place, index_prefix=service)",
    "opensearch": "opensearch.OpenSearchStore(url=place, index_prefix=service)",
    "postgresql": ("postgresql.PostgreSQLStore(url=place, table_name=table, default_collection=service)"),
}
"""Expression that opens each store, in this library."""

PUBLISHED: Mapping[str, str] = {**OURS, "sqlite": OURS["disk"]}
"""Expression that opens each store in 0.5.0, or its nearest equivalent there."""


def open_subject(library: str, store: str, place: str) -> Subject:
    """Open a store of this process's library, or its driver if the library is `raw`.

    Args:
        library: Name in `environments.LIBRARIES`.
        store: Name in `plan.STORES`.
        place: Directory or URL that the store uses.
    """
    if store == "firestore":
        # Google's clients find their emulator only through this variable.
        os.environ["FIRESTORE_EMULATOR_HOST"] = urlsplit(place).netloc
    if library == "raw":
        return import_module(f"scripts.benchmarks.raw.{store}").Raw(place)
    opening = (OURS if library == "ours" else PUBLISHED)[store]
    module = opening.partition(".")[0]
    at = urlsplit(place)
    names = {
        module: import_module(f"key_value.aio.stores.{module}"),
        "place": place,
        "host": at.hostname,
        "port": at.port,
        "service": f"benchmark-{library}",
        "table": "kvours" if library == "ours" else "kvpublished",
    }
    return eval(opening, names)  # noqa: S307 -- the code above
