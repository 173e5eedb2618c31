"""Target speeds, for values of 100 bytes without a TTL."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Target ratios for the times of one case.

    Attributes:
        published: Minimum speedup over 0.5.0.
        raw: Maximum multiple of the driver's own time.
        by_cpu: Whether that multiple refers to CPU time, because a server's response times vary too much.
    """

    published: float | None = None
    raw: float | None = None
    by_cpu: bool = False

    def text(self) -> str:
        """Return the target as text; empty if there is none."""
        parts = [
            f">= {self.published:g}x 0.5.0" if self.published else "",
            f"<= {self.raw:.3g}x raw{' cpu' if self.by_cpu else ''}" if self.raw else "",
        ]
        return ", ".join(part for part in parts if part)

    def is_met(self, published: float, raw: float, raw_cpu: float) -> bool:
        """Return whether the measured ratios reach the target."""
        return (self.published is None or published >= self.published) and (
            self.raw is None or (raw_cpu if self.by_cpu else raw) <= self.raw
        )


FIVE_WRAPPERS_MICROSECONDS = 15.0
PYDANTIC_PUBLISHED = 10.0

STANDARD = {
    ("memory", "put"): Target(published=10),
    ("memory", "get hit"): Target(published=10),
    ("memory", "get_many(100)"): Target(published=12),
    ("memory", "put_many(100)"): Target(published=12),
    ("sqlite", "put"): Target(published=1.3),
    ("sqlite", "get hit"): Target(published=1),
    ("sqlite", "50 gets"): Target(published=3),
    ("sqlite", "put_many(100)"): Target(published=10),
    ("disk", "put"): Target(published=1.3),
    ("disk", "get hit"): Target(published=1),
    ("disk", "put_many(100)"): Target(published=3),
    ("filetree", "put"): Target(published=4),
    ("filetree", "get hit"): Target(published=10),
    ("rocksdb", "put"): Target(raw=1.5),
    ("rocksdb", "get hit"): Target(raw=1.5),
    ("duckdb", "get_many(100)"): Target(raw=2),
    ("duckdb", "put_many(100)"): Target(raw=2),
    ("firestore", "put"): Target(raw=1.5, by_cpu=True),
    ("firestore", "get hit"): Target(raw=1.5, by_cpu=True),
    ("firestore", "get_many(100)"): Target(raw=1.5),
    ("firestore", "put_many(100)"): Target(raw=1.5),
    ("memcached", "put"): Target(raw=1.15),
    ("memcached", "get hit"): Target(raw=1.15),
    ("memcached", "get_many(100)"): Target(raw=1.5),
    ("mongodb", "put"): Target(raw=1.15),
    ("mongodb", "get hit"): Target(raw=1.15),
    ("mongodb", "get_many(100)"): Target(raw=1.5),
    ("mongodb", "put_many(100)"): Target(raw=1.5),
    ("dynamodb", "put"): Target(raw=1.15),
    ("dynamodb", "get hit"): Target(raw=1.15),
    ("dynamodb", "get_many(100)"): Target(raw=1.5),
    ("dynamodb", "put_many(100)"): Target(raw=1.5),
    ("elasticsearch", "put"): Target(published=2, raw=1.5),
    ("elasticsearch", "get hit"): Target(published=1, raw=1.5),
    ("elasticsearch", "50 gets"): Target(published=5),
    ("elasticsearch", "get_many(100)"): Target(published=1, raw=1.5),
    ("elasticsearch", "put_many(100)"): Target(published=2, raw=1.5),
    ("opensearch", "put"): Target(published=2, raw=1.5),
    ("opensearch", "get hit"): Target(published=1, raw=1.5),
    ("opensearch", "50 gets"): Target(published=5),
    ("opensearch", "get_many(100)"): Target(published=1, raw=1.5),
    ("opensearch", "put_many(100)"): Target(published=50, raw=1.5),
    ("redis", "put"): Target(raw=1.1, by_cpu=True),
    ("redis", "get hit"): Target(raw=1.1, by_cpu=True),
    ("redis", "get_many(100)"): Target(raw=1),
    ("redis", "put_many(100)"): Target(raw=1),
    ("redis", "50 gets"): Target(raw=1 / 3),
    ("valkey", "put"): Target(raw=1.15),
    ("valkey", "get hit"): Target(raw=1.15),
    ("valkey", "get_many(100)"): Target(raw=1.5),
    ("valkey", "put_many(100)"): Target(raw=1.5),
    ("s3", "put"): Target(raw=1.15, by_cpu=True),
    ("s3", "get hit"): Target(raw=1.15, by_cpu=True),
    ("s3", "get_many(100)"): Target(raw=1.5),
    ("s3", "put_many(100)"): Target(raw=1.5),
    ("postgresql", "put"): Target(raw=1.1, by_cpu=True),
    ("postgresql", "get hit"): Target(raw=1.1, by_cpu=True),
    ("postgresql", "get_many(100)"): Target(raw=1.3),
    ("postgresql", "put_many(100)"): Target(raw=1.3),
}
FAST_CODEC = {
    ("memory", "put"): Target(published=20, raw=1),
    ("memory", "get hit"): Target(published=20, raw=1),
    ("memory", "get_many(100)"): Target(published=25),
    ("memory", "put_many(100)"): Target(published=25),
}

IMPORT_MILLISECONDS = {"protocols": 10, "memory": 50, "redis": 50}
LAG_P99_MILLISECONDS = 10
GROWTH = 1.5
BYTES_OF_PUBLISHED = 0.6


def target(store: str, case: str, codec: str) -> Target:
    """Return the target of a case of a store; an empty target if none is set."""
    found = STANDARD.get((store, case), Target())
    return found if codec == "stdlib" else FAST_CODEC.get((store, case), found)
