"""Write the comparison table of the stores into the documentation."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from key_value.aio.protocols import ABILITIES
from scripts.store_table import STORES, abilities

if TYPE_CHECKING:
    from key_value.aio.stores.base import BatchLimit

PAGE = Path(__file__).parents[1] / "docs" / "choose-a-store.md"


class Facts(NamedTuple):
    """Properties of a backend that the code of its store does not contain."""

    page: str
    """Name of the page in the documentation."""
    keeps: str
    """Events that entries survive."""
    shared_by: str
    """Scope in which the same entries can be used at the same time."""
    largest: str
    """Largest entry that the backend accepts."""
    requests: str
    """Requests that are sent for one batch."""
    removed_by: str = ""
    """Mechanism that frees the space of expired entries; empty if later writes do."""


_SERVICE = "a power loss (managed service)"
_SERVER = "depends on the server's configuration"
_MACHINES = "many machines"
_MACHINE = "processes on one machine"
_PROCESS = "one process"
_FILE = "a process exit; a power loss with `durability`"

FACTS: Mapping[str, Facts] = {
    "SQLiteStore": Facts("sqlite", _FILE, _MACHINE, "1 GB", "one transaction"),
    "RedisStore": Facts(
        "redis", _SERVER, _MACHINES, "512 MB", "one; one per node in a cluster", "the server"
    ),
    "PostgreSQLStore": Facts("postgresql", _SERVER, _MACHINES, "1 GB", "one"),
    "MemoryStore": Facts("memory", "nothing", _PROCESS, "memory", "none", "later writes"),
    "FileTreeStore": Facts(
        "filetree",
        'a power loss, unless `durability` is `"none"`',
        _MACHINE,
        "-",
        "one file per entry",
    ),
    "DiskStore": Facts("disk", "a process exit", _MACHINE, "`max_size`", "one transaction", "later writes"),
    "MultiDiskStore": Facts(
        "disk", "a process exit", _MACHINE, "`max_size`", "one transaction", "later writes"
    ),
    "RocksDBStore": Facts("rocksdb", _FILE, "one store of one process", "-", "one write"),
    "DuckDBStore": Facts("duckdb", "a process exit", _PROCESS, "-", "one transaction"),
    "ChDBStore": Facts("chdb", "a process exit", _PROCESS, "-", "one statement"),
    "ValkeyStore": Facts("valkey", _SERVER, _MACHINES, "512 MiB", "one", "the server"),
    "MemcachedStore": Facts(
        "memcached", "nothing: entries may be evicted", _MACHINES, "1 MB", "one per server", "the server"
    ),
    "MongoDBStore": Facts(
        "mongodb", "depends on the write concern", _MACHINES, "16 MiB", "one", "the server"
    ),
    "ElasticsearchStore": Facts("elasticsearch", _SERVER, _MACHINES, "100 MB, by default", "one", "`cull()`"),
    "OpenSearchStore": Facts("opensearch", _SERVER, _MACHINES, "100 MB, by default", "one", "`cull()`"),
    "AerospikeStore": Facts("aerospike", _SERVER, _MACHINES, "1 MiB, by default", "one", "the server"),
    "S3Store": Facts(
        "s3",
        _SERVICE,
        _MACHINES,
        "5 GiB",
        "one per entry; deletes: one per 1,000",
        "`cull()`, a lifecycle rule",
    ),
    "DynamoDBStore": Facts(
        "dynamodb", _SERVICE, _MACHINES, "400 KB", "one per 100 reads, 25 writes or 1 delete", "the service"
    ),
    "FirestoreStore": Facts("firestore", _SERVICE, _MACHINES, "1 MiB", "one", "`cull()`, a TTL policy"),
    "AzureTablesStore": Facts(
        "azure-tables", _SERVICE, _MACHINES, "1,032,192 bytes", "one per 14 reads or 100 writes", "`cull()`"
    ),
    "VaultStore": Facts("vault", _SERVER, _MACHINES, "1 MB, by default", "one per entry", "`cull()`"),
    "KeyringStore": Facts("keyring", "depends on the keyring", "one user", "-", "one per entry", "nothing"),
    "WindowsRegistryStore": Facts("windows-registry", "a process exit", _MACHINE, "-", "one per entry"),
}
"""Facts of each store that has a page, the most used stores first."""

_TABLE = re.compile(r"(<!-- facts -->\n).*?(<!-- /facts -->)", re.DOTALL)

_HEAD = (
    "store",
    "entries survive",
    "shared by",
    "abilities",
    "expired entries are removed by",
    "conditional writes",
    "entries per batch",
    "largest entry",
    "requests per batch",
    "timeout",
)


def row(name: str) -> list[str]:
    """Return the table row of one store."""
    facts, store = FACTS[name], STORES[name]()
    has = abilities(STORES[name])
    return [
        f"[`{name}`](stores/{facts.page}.md)",
        facts.keeps,
        facts.shared_by,
        f"{sum(has.values())} of {len(ABILITIES)}",
        facts.removed_by or _removal(store),
        "yes" if has["put_if_version"] else "-",
        _batch(store),
        facts.largest,
        facts.requests,
        _timeout(store),
    ]


def table() -> str:
    """Return the table, as Markdown."""
    rows = [list(_HEAD), ["---"] * len(_HEAD), *(row(name) for name in FACTS)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def written() -> str:
    """Return the page with an up-to-date table."""
    return _TABLE.sub(lambda found: found[1] + table() + found[2], PAGE.read_text())


def _removal(store: object) -> str:
    if getattr(store, "reclaim_after", None) is None:
        raise ValueError(f"FACTS must say what removes expired entries of {type(store).__name__}")
    return "later writes, and `cull()`"


def _batch(store: object) -> str:
    limit: BatchLimit | None = getattr(store, "batch_limit", None)
    read_limit: BatchLimit | None = getattr(store, "read_limit", None)
    if limit is None or limit.items >= 1_000_000:
        return "any"
    if read_limit is not None and read_limit.items != limit.items:
        return f"{read_limit.items:,} read, {limit.items:,} written"
    return f"{limit.items:,}"


def _timeout(store: object) -> str:
    parameter: Any = inspect.signature(type(store).__init__).parameters.get("timeout")
    return "-" if parameter is None else f"{parameter.default:g} s"


if __name__ == "__main__":
    PAGE.write_text(written())
