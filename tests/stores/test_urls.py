"""Every URL scheme: the resulting arguments, a working store, and no password in any output."""

import logging
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import quote

import pytest

from key_value.aio.errors import KeyValueStoreError, StoreURLError
from key_value.aio.stores.base import BaseStore
from key_value.aio.stores.chdb import ChDBStore
from key_value.aio.stores.disk import DiskStore, MultiDiskStore
from key_value.aio.stores.duckdb import DuckDBStore
from key_value.aio.stores.filetree import FileTreeStore
from key_value.aio.stores.rocksdb import RocksDBStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.urls import open_store
from key_value.aio.urls.schemes import GROUP
from tests.servers.s3 import arguments
from tests.servers.server import Server

SECRET = "hun/ter@2"
QUOTED = quote(SECRET, safe="")

OF_PATHS: dict[Callable[..., object], str] = {
    ChDBStore: "database_path",
    DiskStore: "directory",
    DuckDBStore: "database_path",
    FileTreeStore: "data_directory",
    MultiDiskStore: "base_directory",
    RocksDBStore: "path",
    SQLiteStore: "path",
}
"""The stores that are given a path, and the argument that takes it."""

LOCATIONS = {
    "memory://": "MemoryStore()",
    "memory://?max_entries_per_collection=3": "MemoryStore()",
    "null://": "NullStore()",
    "simple://?max_entries=3": "SimpleStore()",
    "sqlite:///a.db?timeout=1&durability=full": "SQLiteStore('{here}/a.db')",
    "sqlite:////a%20b/c.db": "SQLiteStore('/a b/c.db')",
    "sqlite:///:memory:": "SQLiteStore(':memory:')",
    "duckdb://": "DuckDBStore(':memory:')",
    "duckdb:///a.db?table_name=t&auto_create=no": "DuckDBStore('{here}/a.db')",
    "rocksdb:///a?durability=full": "RocksDBStore('{here}/a')",
    "disk:///a?max_size=1000000": "DiskStore('{here}/a')",
    "multidisk:///a?max_size=1000000": "MultiDiskStore('{here}/a')",
    "filetree:///a?durability=none": "FileTreeStore('{here}/a')",
    "file:///a/b": "FileTreeStore('/a/b')",
    "keyring://": "KeyringStore('py-key-value')",
    "keyring://My%20App": "KeyringStore('My App')",
    f"redis://ada:{QUOTED}@h:1/2?timeout=1&socket_timeout=2": "RedisStore('redis://h:1/2')",
    "rediss://[::1]:1?ssl_cert_reqs=none": "RedisStore('rediss://[::1]:1')",
    f"valkey://ada:{QUOTED}@h:1/2?timeout=none": "ValkeyStore('valkey://h:1/2')",
    f"valkeys://:{QUOTED}@h": "ValkeyStore('valkeys://h:6379/0')",
    "memcached://h:1?pool_size=3": "MemcachedStore('h:1')",
    f"postgresql://ada:{QUOTED}@h1:1,h2/d?max_size=2": "PostgreSQLStore('postgresql://h1:1,h2/d')",
    f"postgres://:{QUOTED}@h?table_name=t": "PostgreSQLStore('postgres://h')",
    f"mongodb://ada:{QUOTED}@h1:1,h2/d?w=1&coll_name=c": "MongoDBStore('mongodb://h1:1,h2/d')",
    f"mongodb+srv://ada:{QUOTED}@h/?db_name=d": "MongoDBStore('mongodb+srv://h/d')",
    "aerospike://h1,[::1]:3001/n/s?timeout=1": "AerospikeStore('h1:3000/n/s')",
    "aerospike://": "AerospikeStore('localhost:3000/test/kv-store')",
    f"elasticsearch://ada:{QUOTED}@h1:1,h2/p": "ElasticsearchStore('https://h1:1,https://h2/p-*')",
    f"elasticsearch+http://h/p?api_key={QUOTED}": "ElasticsearchStore('http://h/p-*')",
    f"opensearch://ada:{QUOTED}@h/p?timeout=1": "OpenSearchStore('https://h/p-*')",
    "opensearch+http://h/p": "OpenSearchStore('http://h/p-*')",
    f"s3://AKIA:{QUOTED}@b/c/d?region_name=r": "S3Store('s3://b/c/d')",
    f"dynamodb://AKIA:{QUOTED}@T_1?region_name=r": "DynamoDBStore('r/T_1')",
    f"azure-tables://:{QUOTED}@a/T1": "AzureTablesStore('https://a.table.core.windows.net/T1')",
    "firestore://p/d": "FirestoreStore('p/d')",
    f"vault://:{QUOTED}@h:1/m?namespace=n&keep_versions=true": "VaultStore('https://h:1/m')",
    f"vault+http://:{QUOTED}@h": "VaultStore('http://h/secret')",
}
if sys.platform != "win32":
    LOCATIONS.update({"chdb://": "ChDBStore(':memory:')", "chdb:///a": "ChDBStore('{here}/a')"})

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")


@POSIX_ONLY
@pytest.mark.parametrize("url", LOCATIONS)
def test_a_url_creates_a_store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert repr(open_store(url)) == LOCATIONS[url].format(here=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_url_names_a_key_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "win32":
        monkeypatch.setitem(sys.modules, "winreg", MagicMock())
    store = open_store("windows-registry://HKEY_LOCAL_MACHINE/Software/my%20app")
    assert store.location == r"HKEY_LOCAL_MACHINE\Software\my app"
    with pytest.raises(StoreURLError, match="'hive' in the URL of WindowsRegistryStore must be"):
        open_store("windows-registry://HKEY_USERS/Software")


def test_every_scheme_is_tried_here() -> None:
    tried = {url.partition("://")[0] for url in LOCATIONS} | {"windows-registry", "chdb"}
    assert {point.name for point in entry_points(group=GROUP)} == tried


@pytest.mark.parametrize("url", [url for url in LOCATIONS if "://" in url and "?" not in url])
def test_what_a_scheme_does_not_know_is_refused_by_name(url: str) -> None:
    scheme = url.partition("://")[0]
    if scheme in {"redis", "rediss", "postgres", "postgresql", "mongodb", "mongodb+srv"}:
        pytest.skip("the driver reads it")
    with pytest.raises(StoreURLError, match="does not accept the URL parameter 'no_such'"):
        open_store(f"{url}?no_such={QUOTED}")


@pytest.mark.parametrize("path", ["sqlite:///x.db", Path("sqlite:///x.db")], ids=repr)
@pytest.mark.parametrize("store", OF_PATHS)
def test_a_path_store_names_open_store_for_a_url(store: Callable[..., object], path: str | Path) -> None:
    with pytest.raises(ValueError, match=r"not a URL: sqlite://\.\.\.; use key_value\.aio\.urls\.open_store"):
        store(**{OF_PATHS[store]: path})


async def check(store: BaseStore, collection: str) -> None:
    async with store:
        await store.put("k", {"a": 1}, collection=collection)
        assert await store.get("k", collection=collection) == {"a": 1}
        assert await store.delete("k", collection=collection)


@pytest.mark.parametrize(
    "scheme", ["memory", "simple", "sqlite", "duckdb", "rocksdb", "disk", "multidisk", "filetree"]
)
async def test_an_embedded_store_works(
    scheme: str, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    has_path = scheme not in ("memory", "simple")
    await check(open_store(f"{scheme}:///data" if has_path else f"{scheme}://"), collection)
    assert (tmp_path / "data").exists() is has_path


async def test_file_is_absolute(collection: str, tmp_path: Path) -> None:
    await check(open_store(f"{(tmp_path / 'a b').as_uri()}?auto_create=true"), collection)
    assert (tmp_path / "a b").is_dir()


async def test_redis_works(redis: Server, collection: str) -> None:
    await check(open_store(f"{redis.url}?timeout=10&socket_timeout=9"), collection)


async def test_valkey_works(valkey: Server, collection: str) -> None:
    await check(open_store(f"valkey://{valkey.host}:{valkey.port}/0?timeout=10"), collection)


async def test_tls_works(redis_tls: Server, collection: str) -> None:
    for scheme in ("rediss", "valkeys"):
        url = redis_tls.url.replace("rediss", scheme)
        await check(open_store(f"{url}{'&' if '?' in url else '?'}timeout=10"), collection)


async def test_memcached_works(memcached: Server, collection: str) -> None:
    await check(open_store(f"memcached://{memcached.host}:{memcached.port}?timeout=10"), collection)


async def test_postgresql_works(postgresql: Server, collection: str) -> None:
    options = "table_name=of_url&timeout=10&application_name=urls"
    await check(open_store(f"{postgresql.url}{'&' if '?' in postgresql.url else '?'}{options}"), collection)


async def test_mongodb_works(mongodb: Server, database: str, collection: str) -> None:
    url = f"mongodb://{mongodb.host}:{mongodb.port}"
    await check(open_store(f"{url}/{database}?timeout=10&appName=urls"), collection)


async def test_aerospike_works(aerospike: Server, collection: str) -> None:
    await check(open_store(f"aerospike://{aerospike.host}:{aerospike.port}/test/urls"), collection)


async def test_elasticsearch_works(elasticsearch: Server, elasticsearch_prefix: str, collection: str) -> None:
    place = f"{elasticsearch.host}:{elasticsearch.port}/{elasticsearch_prefix}"
    await check(open_store(f"elasticsearch+http://{place}"), collection)


async def test_opensearch_works(opensearch: Server, opensearch_prefix: str, collection: str) -> None:
    place = f"{opensearch.host}:{opensearch.port}/{opensearch_prefix}"
    await check(open_store(f"opensearch+http://{place}"), collection)


async def test_s3_works_below_a_prefix(s3: Server, s3_client: Any, bucket: str, collection: str) -> None:
    of = arguments(s3)
    credentials = ":".join(
        quote(of[name], safe="") for name in ("aws_access_key_id", "aws_secret_access_key")
    )
    options = "&".join(f"{name}={quote(of[name], safe='')}" for name in ("endpoint_url", "region_name"))
    url = f"s3://{credentials}@{bucket}/a/b?{options}&addressing_style=path"
    async with open_store(url) as store, open_store(url.replace("/a/b", "")) as whole:
        await store.put_many(["k1", "k2"], [{"a": 1}, {"a": 2}], collection=collection)
        listed = s3_client.list_objects_v2(Bucket=bucket, Prefix="a/b/")
        keys = {each["Key"] for each in listed["Contents"]}
        assert {f"a/b/{collection}/k1", f"a/b/{collection}/k2"} <= keys
        assert await whole.get("k1", collection=collection) is None
        assert await whole.collections() == []  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        assert await store.delete_many(["k1", "k2", "k3"], collection=collection) == 2


async def test_dynamodb_works(dynamodb: Server, table: str, collection: str) -> None:
    endpoint = quote(dynamodb.url, safe="")
    await check(
        open_store(f"dynamodb://key:secret@{table}?endpoint_url={endpoint}&region_name=r"), collection
    )


async def test_azure_tables_works(azure_tables: Server, azure_table: str, collection: str) -> None:
    parts = [part.partition("=") for part in azure_tables.url.split(";")]
    account = {name: text for name, _, text in parts}
    key, endpoint = (quote(account[name], safe="") for name in ("AccountKey", "TableEndpoint"))
    url = f"azure-tables://:{key}@{account['AccountName']}/{azure_table}?endpoint={endpoint}"
    await check(open_store(url), collection)


async def test_firestore_works(firestore: Server, project: str, collection: str) -> None:
    await check(open_store(f"firestore://{project}"), collection)


async def test_vault_works(vault: Server, mount: str, collection: str) -> None:
    url = f"vault+http://:{vault.password}@{vault.host}:{vault.port}/{mount}"
    await check(open_store(url), collection)


async def test_keyring_works(keyring: Server, collection: str) -> None:
    await check(open_store(f"keyring://urls-{collection}"), collection)


@pytest.mark.parametrize("scheme", ["s3", "dynamodb"])
def test_credentials_in_the_url_of_an_endpoint_are_not_shown(scheme: str) -> None:
    endpoint = quote(f"http://ada:{QUOTED}@localhost:1", safe="")
    store = open_store(f"{scheme}://T_1?region_name=r&endpoint_url={endpoint}")
    assert store.location == "http://localhost:1/T_1"


UNREACHABLE = [
    f"redis://ada:{QUOTED}@127.0.0.1:1",
    f"redis://127.0.0.1:1?password={QUOTED}",
    f"valkey://ada:{QUOTED}@127.0.0.1:1",
    f"postgresql://ada:{QUOTED}@127.0.0.1:1/d",
    f"postgresql://ada:{QUOTED}@127.0.0.1/d?port={QUOTED}",
    f"mongodb://ada:{QUOTED}@127.0.0.1:1/d",
    f"mongodb://ada:{QUOTED}@127.0.0.1:1/d?tlsCAFile={QUOTED}",
    f"dynamodb://key:{QUOTED}@t?endpoint_url=http://127.0.0.1:1&region_name=r",
    f"s3://key:{QUOTED}@bucket?endpoint_url=http://127.0.0.1:1&region_name=r",
    f"vault+http://:{QUOTED}@127.0.0.1:1",
    f"azure-tables://:{'c2VjcmV0'}@a/T1?endpoint=http://127.0.0.1:1/a",
]


@pytest.mark.parametrize("url", UNREACHABLE)
async def test_a_failure_to_connect_shows_no_secret(
    url: str, collection: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="key_value")
    separator = "&" if "?" in url else "?"
    store = open_store(f"{url}{separator}timeout=0.5")
    with pytest.raises((KeyValueStoreError, ValueError, OSError)) as raised:
        await check(store, collection)
    await store.close()
    shown = "".join(traceback.format_exception(raised.value)) + repr(store) + caplog.text
    assert SECRET not in shown
    assert QUOTED not in shown
    assert "c2VjcmV0" not in shown
