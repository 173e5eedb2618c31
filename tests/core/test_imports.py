"""The cost of imports, and the names under which everything can be imported."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

HEAVY = ("beartype", "pydantic", "pydantic_core", "orjson", "msgspec", "jiter", "json", "redis", "sqlite3")

PUBLIC = {
    "key_value.aio.protocols": ["AsyncKeyValue"],
    "key_value.aio.protocols.key_value": [
        "AsyncCullProtocol",
        "AsyncDestroyCollectionProtocol",
        "AsyncDestroyStoreProtocol",
        "AsyncEnumerateCollectionsProtocol",
        "AsyncEnumerateKeysProtocol",
        "AsyncKeyValue",
        "AsyncKeyValueProtocol",
        "AsyncPutIfAbsentProtocol",
    ],
    "key_value.aio.stores.base": [
        "BaseContextManagerStore",
        "BaseCullStore",
        "BaseDestroyCollectionStore",
        "BaseDestroyStore",
        "BaseEnumerateCollectionsStore",
        "BaseEnumerateKeysStore",
        "BaseStore",
        "BasicSerializationAdapter",
        "BytesStore",
        "DEFAULT_SEED_DATA",
        "FROZEN_SEED_DATA_TYPE",
        "ManagedEntry",
        "PassthroughStrategy",
        "SEED_DATA_TYPE",
        "SanitizationStrategy",
        "SerializationAdapter",
    ],
    "key_value.aio.stores.memory": ["MemoryStore"],
    "key_value.aio.stores.null": ["NullStore"],
    "key_value.aio.stores.simple": ["SimpleStore"],
    "key_value.aio.stores.sqlite": ["SQLiteStore"],
    "key_value.aio.stores.redis": ["RedisStore"],
    "key_value.aio.stores.s3": [
        "S3CollectionSanitizationStrategy",
        "S3KeySanitizationStrategy",
        "S3Store",
    ],
    "key_value.aio.stores.valkey": ["ValkeyStore"],
    "key_value.aio.stores.disk": ["DiskStore", "MultiDiskStore"],
    "key_value.aio.stores.filetree": [
        "FileTreeStore",
        "FileTreeV1CollectionSanitizationStrategy",
        "FileTreeV1KeySanitizationStrategy",
    ],
    "key_value.aio.stores.rocksdb": ["RocksDBStore"],
    "key_value.aio.stores.duckdb": ["DuckDBStore"],
    "key_value.aio.stores.duckdb.store": ["DuckDBSerializationAdapter"],
    "key_value.aio.stores.dynamodb": ["DynamoDBStore"],
    "key_value.aio.stores.mongodb": ["MongoDBStore"],
    "key_value.aio.stores.mongodb.store": [
        "MongoDBSerializationAdapter",
        "MongoDBV1CollectionSanitizationStrategy",
    ],
    "key_value.aio.stores.azure_tables": ["AzureTablesSanitizationStrategy", "AzureTablesStore"],
    "key_value.aio.stores.vault": ["VaultStore"],
    "key_value.aio.stores.aerospike": ["AerospikeStore"],
    "key_value.aio.stores.elasticsearch": ["ElasticsearchStore"],
    "key_value.aio.stores.elasticsearch.store": [
        "ElasticsearchSerializationAdapter",
        "ElasticsearchV1CollectionSanitizationStrategy",
        "ElasticsearchV1KeySanitizationStrategy",
    ],
    "key_value.aio.stores.opensearch": ["OpenSearchStore"],
    "key_value.aio.stores.opensearch.store": [
        "OpenSearchSerializationAdapter",
        "OpenSearchV1CollectionSanitizationStrategy",
        "OpenSearchV1KeySanitizationStrategy",
    ],
    "key_value.aio.stores.firestore": [
        "FirestoreStore",
        "FirestoreV1CollectionSanitizationStrategy",
        "FirestoreV1KeySanitizationStrategy",
    ],
    "key_value.aio.stores.keyring": ["KeyringStore"],
    "key_value.aio.stores.keyring.store": [
        "KeyringV1CollectionSanitizationStrategy",
        "KeyringV1KeySanitizationStrategy",
    ],
    "key_value.aio.wrappers.base": ["BaseWrapper"],
    "key_value.aio.wrappers.fallback": ["FallbackWrapper"],
    "key_value.aio.wrappers.prefix_keys": ["PrefixKeysWrapper"],
    "key_value.aio.wrappers.statistics": ["StatisticsWrapper"],
    "key_value.aio.wrappers.statistics.wrapper": [
        "BaseHitMissStatistics",
        "BaseStatistics",
        "DeleteStatistics",
        "ExistsStatistics",
        "GetStatistics",
        "KVStoreCollectionStatistics",
        "KVStoreStatistics",
        "PutStatistics",
        "TTLStatistics",
    ],
    "key_value.aio.wrappers.timeout": ["TimeoutWrapper"],
    "key_value.aio.wrappers.compression": ["CompressionWrapper"],
    "key_value.aio.wrappers.default_value": ["DefaultValueWrapper"],
    "key_value.aio.wrappers.encryption": [
        "AESGCMEncryptionWrapper",
        "BaseEncryptionWrapper",
        "FernetEncryptionWrapper",
    ],
    "key_value.aio.wrappers.encryption.base": ["DecryptionFn", "EncryptionFn"],
    "key_value.aio.wrappers.encryption.fernet": ["ENCRYPTION_VERSION", "KDF_ITERATIONS"],
    "key_value.aio.wrappers.limit_size": ["LimitSizeWrapper"],
    "key_value.aio.wrappers.logging": ["LoggingWrapper"],
    "key_value.aio.wrappers.opentelemetry": ["OpenTelemetryWrapper"],
    "key_value.aio.wrappers.passthrough_cache": ["PassthroughCacheWrapper"],
    "key_value.aio.wrappers.passthrough_cache.wrapper": ["DEFAULT_MAX_TTL", "DEFAULT_MISSING_TTL"],
    "key_value.aio.wrappers.prefix_collections": ["PrefixCollectionsWrapper"],
    "key_value.aio.wrappers.read_only": ["ReadOnlyWrapper"],
    "key_value.aio.wrappers.retry": ["RetryWrapper"],
    "key_value.aio.wrappers.routing": [
        "CollectionRoutingWrapper",
        "RoutingFunction",
        "RoutingWrapper",
    ],
    "key_value.aio.wrappers.single_collection": ["SingleCollectionWrapper"],
    "key_value.aio.wrappers.ttl_clamp": ["TTLClampWrapper"],
    "key_value.aio.adapters": [
        "BaseModelAdapter",
        "DataclassAdapter",
        "PydanticAdapter",
        "RaiseOnMissingAdapter",
    ],
    "key_value.aio.adapters.base_model": ["BaseModelAdapter"],
    "key_value.aio.adapters.dataclass": ["DataclassAdapter"],
    "key_value.aio.adapters.base": ["BasePydanticAdapter"],
    "key_value.aio.adapters.pydantic": ["PydanticAdapter"],
    "key_value.aio.adapters.raise_on_missing": ["RaiseOnMissingAdapter"],
    "key_value.aio.cli": ["main"],
    "key_value.aio.expiry": ["expire_every"],
    "key_value.aio.urls": ["open_store"],
    "key_value.aio._utils": ["ManagedEntry"],
    "key_value.aio._utils.beartype": [
        "bear_enforce",
        "bear_spray",
        "enforce_bear_type",
        "enforce_bear_type_conf",
        "no_bear_type",
        "no_bear_type_check",
        "no_bear_type_check_conf",
    ],
    "key_value.aio._utils.constants": ["DEFAULT_COLLECTION_NAME"],
    "key_value.aio._utils.retry": ["_calculate_delay", "async_retry_operation"],
    "key_value.aio._utils.wait": ["async_wait_for_true"],
}

if sys.platform != "win32":
    PUBLIC["key_value.aio.stores.chdb"] = ["ChDBStore"]


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names(module: str) -> None:
    imported = importlib.import_module(module)
    assert [name for name in PUBLIC[module] if not hasattr(imported, name)] == []


def _loaded_by(statement: str) -> set[str]:
    script = f"import sys, asyncio; before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_protocols_load_nothing_else() -> None:
    loaded = _loaded_by("import key_value.aio.protocols")
    assert "key_value.aio.protocols.key_value" in loaded
    assert loaded & {*HEAVY, "typing_extensions", "key_value.aio.errors"} == set()


def test_errors_load_little() -> None:
    assert _loaded_by("import key_value.aio.errors") & set(HEAVY) == set()


@pytest.mark.parametrize("store", ["memory.MemoryStore", "null.NullStore", "sqlite.SQLiteStore"])
def test_a_store_loads_neither_beartype_nor_pydantic(store: str) -> None:
    module, name = store.split(".")
    loaded = _loaded_by(f"from key_value.aio.stores.{module} import {name}")
    assert loaded & {"beartype", "pydantic", "pydantic_core"} == set()


def test_a_store_loads_nothing_that_finds_stores() -> None:
    loaded = _loaded_by("from key_value.aio.stores.memory import MemoryStore")
    assert loaded & {"importlib.metadata", "key_value.aio.urls", "key_value.aio.expiry"} == set()


def test_open_store_loads_one_backend() -> None:
    loaded = _loaded_by("from key_value.aio.urls import open_store; open_store('memory://')")
    backends = {name.split(".")[3] for name in loaded if name.startswith("key_value.aio.stores.")}
    assert backends == {"base", "memory"}


def test_an_adapter_loads_pydantic_only_if_it_needs_it() -> None:
    assert "pydantic" not in _loaded_by("from key_value.aio.adapters import RaiseOnMissingAdapter")
    assert "pydantic" in _loaded_by("from key_value.aio.adapters import PydanticAdapter")


@pytest.mark.parametrize("package", ["key_value.aio.adapters", "key_value.aio.wrappers"])
def test_a_package_loads_what_is_imported_from_it(package: str) -> None:
    inside = f"{package}."
    assert [name for name in _loaded_by(f"import {package}") if name.startswith(inside)] == []
    module = importlib.import_module(package)
    assert set(dir(module)) - set(vars(module)) <= set(module.__all__)
    assert [name for name in module.__all__ if getattr(module, name) is None] == []


def test_a_wrapper_loads_no_other_wrapper() -> None:
    loaded = _loaded_by("from key_value.aio.wrappers import RetryWrapper")
    wrappers = {name.split(".")[3] for name in loaded if name.startswith("key_value.aio.wrappers.")}
    assert wrappers == {"base", "retry"}


def test_every_wrapper_can_be_imported_from_one_package() -> None:
    package = importlib.import_module("key_value.aio.wrappers")
    folders = [each.name for each in pkgutil.iter_modules(package.__path__)]
    offered = {
        name
        for folder in folders
        for name in importlib.import_module(f"key_value.aio.wrappers.{folder}").__all__
        if name.endswith("Wrapper")
    }
    assert offered - set(package.__all__) == set()


@pytest.mark.parametrize("package", ["key_value.aio.adapters", "key_value.aio.wrappers"])
def test_an_unknown_name(package: str) -> None:
    with pytest.raises(ImportError, match="cannot import name 'NoSuch'"):
        exec(f"from {package} import NoSuch")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    for name in [name for name in sys.modules if name.startswith("key_value.aio.adapters")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"pip install 'py-key-value-aio\[pydantic\]'"):
        importlib.import_module("key_value.aio.adapters.pydantic")


class TestOldNames:
    def test_are_the_same_classes_and_warn_once(self) -> None:
        script = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from key_value.shared.errors import InvalidTTLError
    from key_value.shared.errors.store import StoreSetupError
    from key_value.shared.errors import SerializationError
import key_value.aio.errors as new
assert InvalidTTLError is new.InvalidTTLError and StoreSetupError is new.StoreSetupError
import key_value.shared.errors as old
assert old.__deprecated__ and old.__new_name__ == "key_value.aio.errors"
for warning in caught:
    assert warning.category is DeprecationWarning and warning.filename == "<string>", warning
print(*[str(warning.message).split("'")[1] for warning in caught])
"""
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        expected = ["key_value.shared", "key_value.shared.errors", "key_value.shared.errors.store"]
        assert result.stdout.split() == expected

    def test_cover_every_module_that_had_one(self) -> None:
        with pytest.warns(DeprecationWarning, match="'key_value.shared' is deprecated"):
            shared = importlib.reload(importlib.import_module("key_value.shared"))
        for old, new in shared.NEW_NAMES.items():
            if old not in sys.modules:
                with pytest.warns(DeprecationWarning, match=f"use '{new}' instead"):
                    importlib.import_module(old)

    @pytest.mark.filterwarnings("ignore:Importing from 'key_value.shared':DeprecationWarning")
    def test_unlisted_ones_are_missing(self) -> None:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("key_value.shared.type_checking")


@pytest.mark.parametrize("package", ["wrappers", "wrappers.encryption", "adapters"])
def test_a_package_of_lazy_names_lists_and_keeps_them(package: str) -> None:
    code = f"""
import sys
import key_value.aio.{package} as package

assert set(package.__all__) <= set(dir(package)), dir(package)
before = set(sys.modules)
for name in package.__all__:
    assert getattr(package, name) is vars(package)[name], name
assert set(sys.modules) > before
try:
    package.Missing
except AttributeError as error:
    assert str(error) == "module 'key_value.aio.{package}' has no attribute 'Missing'"
else:
    raise AssertionError
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
