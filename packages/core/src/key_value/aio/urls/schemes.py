"""The schemes of this project's stores, and the distributions that register them."""

from collections.abc import Mapping

GROUP = "key_value.aio.stores"
"""Entry point group that maps schemes to store classes."""

DISTRIBUTIONS: Mapping[str, str] = {
    "aerospike": "py-key-value-aio-aerospike",
    "azure-tables": "py-key-value-aio-azure-tables",
    "chdb": "py-key-value-aio-chdb",
    "disk": "py-key-value-aio-disk",
    "duckdb": "py-key-value-aio-duckdb",
    "dynamodb": "py-key-value-aio-dynamodb",
    "elasticsearch": "py-key-value-aio-elasticsearch",
    "elasticsearch+http": "py-key-value-aio-elasticsearch",
    "file": "py-key-value-aio-filetree",
    "filetree": "py-key-value-aio-filetree",
    "firestore": "py-key-value-aio-firestore",
    "keyring": "py-key-value-aio-keyring",
    "memcached": "py-key-value-aio-memcached",
    "memory": "py-key-value-aio-memory",
    "mongodb": "py-key-value-aio-mongodb",
    "mongodb+srv": "py-key-value-aio-mongodb",
    "multidisk": "py-key-value-aio-disk",
    "null": "py-key-value-aio",
    "opensearch": "py-key-value-aio-opensearch",
    "opensearch+http": "py-key-value-aio-opensearch",
    "postgres": "py-key-value-aio-postgresql",
    "postgresql": "py-key-value-aio-postgresql",
    "redis": "py-key-value-aio-redis",
    "rediss": "py-key-value-aio-redis",
    "rocksdb": "py-key-value-aio-rocksdb",
    "s3": "py-key-value-aio-s3",
    "simple": "py-key-value-aio",
    "sqlite": "py-key-value-aio-sqlite",
    "valkey": "py-key-value-aio-valkey",
    "valkeys": "py-key-value-aio-valkey",
    "vault": "py-key-value-aio-vault",
    "vault+http": "py-key-value-aio-vault",
    "windows-registry": "py-key-value-aio-windows-registry",
}
"""Distribution of each scheme, for the error message with the command that installs it."""
