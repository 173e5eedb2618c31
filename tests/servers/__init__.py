"""The servers that tests run against: one module and one fixture of the same name for each.

A server starts when a test first needs it. Each worker has its own, so that no test finds what
another is writing.

To add one, write `tests/servers/<name>.py` with a `start()` that yields a `Server`, a session fixture
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
