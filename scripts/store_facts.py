"""Writes the table by which to choose a store into the documentation."""

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
    """What the code of a store does not say about its backend."""

    page: str
    """The name of its page."""
    keeps: str
    """What entries survive."""
    shared_by: str
    """What may use the same entries at a time."""
    largest: str
    """The largest entry that the backend takes."""
    requests: str
    """What is sent for a batch."""
    removed_by: str = ""
    """What frees the space of expired entries, if it is not later writes."""


_SERVICE = "a loss of power, by the service"
_SERVER = "what the server's settings say"
_MACHINES = "many machines"
_MACHINE = "processes of one machine"
_PROCESS = "one process"
_FILE = "the end of the process; a loss of power with `durability`"

FACTS: Mapping[str, Facts] = {
    "SQLiteStore": Facts("sqlite", _FILE, _MACHINE, "1 GB", "one transaction"),
    "RedisStore": Facts("redis", _SERVER, _MACHINES, "512 MB", "one; one by node of a cluster", "the server"),
    "PostgreSQLStore": Facts("postgresql", _SERVER, _MACHINES, "1 GB", "one"),
    "MemoryStore": Facts("memory", "nothing", _PROCESS, "memory", "none", "later writes"),
    "FileTreeStore": Facts(
        "filetree",
        "a loss of power, unless `durability` says otherwise",
        _MACHINE,
        "-",
        "a file for each entry",
    ),
    "DiskStore": Facts(
        "disk", "the end of the process", _MACHINE, "`max_size`", "one transaction", "later writes"
    ),
    "MultiDiskStore": Facts(
        "disk", "the end of the process", _MACHINE, "`max_size`", "one transaction", "later writes"
    ),
    "RocksDBStore": Facts("rocksdb", _FILE, "one store of one process", "-", "one write"),
    "DuckDBStore": Facts("duckdb", "the end of the process", _PROCESS, "-", "one transaction"),
    "ChDBStore": Facts("chdb", "the end of the process", _PROCESS, "-", "one statement"),
    "ValkeyStore": Facts("valkey", _SERVER, _MACHINES, "512 MiB", "one", "the server"),
    "MemcachedStore": Facts(
        "memcached", "nothing: entries may be evicted", _MACHINES, "1 MB", "one by server", "the server"
    ),
    "MongoDBStore": Facts("mongodb", "what the write concern says", _MACHINES, "16 MiB", "one", "the server"),
    "ElasticsearchStore": Facts("elasticsearch", _SERVER, _MACHINES, "100 MB, by default", "one", "`cull()`"),
    "OpenSearchStore": Facts("opensearch", _SERVER, _MACHINES, "100 MB, by default", "one", "`cull()`"),
    "AerospikeStore": Facts("aerospike", _SERVER, _MACHINES, "1 MiB, by default", "one", "the server"),
    "S3Store": Facts(
        "s3", _SERVICE, _MACHINES, "5 GiB", "one by entry; a deletion of 1,000", "`cull()`, a lifecycle rule"
    ),
    "DynamoDBStore": Facts(
        "dynamodb", _SERVICE, _MACHINES, "400 KB", "100 reads, 25 writes, one deletion", "the service"
    ),
    "FirestoreStore": Facts("firestore", _SERVICE, _MACHINES, "1 MiB", "one", "`cull()`, a TTL policy"),
    "AzureTablesStore": Facts(
        "azure-tables", _SERVICE, _MACHINES, "1,032,192 bytes", "14 reads, 100 writes", "`cull()`"
    ),
    "VaultStore": Facts("vault", _SERVER, _MACHINES, "1 MB, by default", "one by entry", "`cull()`"),
    "KeyringStore": Facts("keyring", "what the keyring keeps", "one user", "-", "one by entry", "nothing"),
    "WindowsRegistryStore": Facts(
        "windows-registry", "the end of the process", _MACHINE, "-", "one by entry"
    ),
}
"""Facts of each store for which there is a page, those first that most applications use."""

_TABLE = re.compile(r"(<!-- facts -->\n).*?(<!-- /facts -->)", re.DOTALL)

_HEAD = (
    "store",
    "entries survive",
    "shared by",
    "abilities",
    "expired entries are removed by",
    "conditional writes",
    "entries in a batch",
    "largest entry",
    "requests of a batch",
    "timeout",
)


def row(name: str) -> list[str]:
    """Return what the table says of one store."""
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
    """Return the page with the table as it should be."""
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
