"""Servers that tests run against, each with a module and a fixture of the same name.

A server starts when a test first needs it. Each worker has its own servers, so that tests never see
each other's data.

To add a server, write `tests/servers/<name>.py` with a `start()` that yields a `Server`, a session fixture
`<name>_server` that provides it and a fixture `<name>` that empties it for each test, as `redis.py` does;
add its name here, and its installation to `scripts/install-servers`.
"""

SERVERS = (
    "aerospike",
    "azure_tables",
    "firestore",
    "dynamodb",
    "elasticsearch",
    "keyring",
    "memcached",
    "mongodb",
    "opensearch",
    "postgresql",
    "redis",
    "redis_cluster",
    "redis_tls",
    "s3",
    "valkey",
    "valkey_cluster",
    "vault",
    "wine",
)
