"""The cells to measure, and the effort to spend."""

from dataclasses import dataclass

from scripts.benchmarks.cases import CASES
from scripts.benchmarks.values import SIZES

STORES = (
    "memory",
    "sqlite",
    "disk",
    "filetree",
    "rocksdb",
    "duckdb",
    "chdb",
    "keyring",
    "redis",
    "valkey",
    "memcached",
    "mongodb",
    "firestore",
    "dynamodb",
    "postgresql",
    "azure_tables",
    "vault",
    "s3",
    "elasticsearch",
    "opensearch",
)
CHOSEN = tuple(store for store in STORES if store != "keyring")
"""The stores measured by default: a keyring is excluded, since it belongs to a user's session."""
CLOUD = frozenset({"azure_tables", "dynamodb", "elasticsearch", "firestore", "opensearch", "s3", "vault"})
NETWORKED = CLOUD | {"memcached", "mongodb", "postgresql", "redis", "valkey"}
SLOW = CLOUD | {"chdb", "duckdb", "filetree", "keyring", "mongodb"}
"""The stores that are filled with fewer keys."""
TTL = 3600.0
WITH_TTL = ("put", "get hit", "put_many(100)")
"""The cases that are also measured with a TTL."""


@dataclass(frozen=True)
class Cell:
    """One row of a store's table."""

    case: str
    size: str
    ttl: float | None

    def title(self) -> str:
        """Return the row's name."""
        return f"{self.case}, {self.size}{', TTL' if self.ttl else ''}"


@dataclass(frozen=True)
class Effort:
    """Effort of a measurement.

    Attributes:
        rounds: Number of rounds for each size.
        slot: Time limit of a side for a cell in one round, in seconds.
        lag: Duration of the event loop lag measurement, in seconds.
        counts: Numbers of entries for which the growth of MemoryStore is measured.
    """

    rounds: dict[str, int]
    slot: float
    lag: float
    counts: list[int]

    def cells(self) -> list[Cell]:
        """Return the cells that have at least one round."""
        return [
            Cell(case, size, ttl)
            for size in SIZES
            for case in CASES
            for ttl in (None, TTL)
            if self.rounds.get(size, 0) and (ttl is None or (case in WITH_TTL and size != "200 KB"))
        ]


QUICK = Effort({"100 B": 5}, slot=0.02, lag=1.0, counts=[1_000, 10_000])
DEFAULT = Effort({"100 B": 9, "2 KB": 5, "200 KB": 3}, slot=0.03, lag=2.0, counts=[1_000, 100_000])
FULL = Effort({"100 B": 15, "2 KB": 9, "200 KB": 5}, slot=0.05, lag=4.0, counts=[1_000, 100_000, 1_000_000])
