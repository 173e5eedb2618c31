"""Statistics of a store, by collection and operation."""

from copy import deepcopy
from dataclasses import dataclass, field

from typing_extensions import Self


@dataclass(kw_only=True)
class BaseStatistics:
    """Count and duration of an operation.

    Two objects are equal if their counts are. Errors and times are ignored, as in the 0.5 series, which
    does not have them.
    """

    count: int = 0
    """Number of keys that it was called with."""
    errors: int = field(default=0, compare=False)
    """Number of failed calls, whose keys are not counted."""
    seconds: float = field(default=0.0, compare=False)
    """Total duration of all calls in seconds, including failed ones."""
    slowest: float = field(default=0.0, compare=False)
    """Duration of the slowest call, in seconds."""

    def increment(self, *, increment: int = 1) -> None:
        """Count keys."""
        self.count += increment

    def add_call(self, seconds: float, *, failed: bool) -> None:
        """Count a call."""
        self.errors += failed
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)


@dataclass(kw_only=True)
class BaseHitMissStatistics(BaseStatistics):
    """Count and duration of an operation, and how often it found an entry."""

    hit: int = 0
    """Number of keys that had an entry."""
    miss: int = 0
    """Number of keys that had no entry."""

    @property
    def hit_rate(self) -> float:
        """The share of keys that had an entry, from 0 to 1; 0 before the first key."""
        return self.hit / self.count if self.count else 0.0

    def increment_hit(self, *, increment: int = 1) -> None:
        """Count keys that had an entry."""
        self.increment(increment=increment)
        self.hit += increment

    def increment_miss(self, *, increment: int = 1) -> None:
        """Count keys that had no entry."""
        self.increment(increment=increment)
        self.miss += increment


@dataclass(kw_only=True)
class GetStatistics(BaseHitMissStatistics):
    """Statistics of `get`, `get_many` and `get_versioned`."""


@dataclass(kw_only=True)
class PutStatistics(BaseStatistics):
    """Statistics of `put`, `put_many`, `put_if_absent`, `put_if_version` and `touch`."""


@dataclass(kw_only=True)
class DeleteStatistics(BaseHitMissStatistics):
    """Statistics of `delete`, `delete_many`, `delete_if_version` and `pop`."""


@dataclass(kw_only=True)
class ExistsStatistics(BaseHitMissStatistics):
    """Statistics that are never counted: no operation only checks whether a key exists."""


@dataclass(kw_only=True)
class TTLStatistics(BaseHitMissStatistics):
    """Statistics of `ttl` and `ttl_many`."""


@dataclass(kw_only=True)
class KVStoreCollectionStatistics(BaseStatistics):
    """Statistics of one collection; its own errors and times cover all of its operations."""

    # The 0.5 series never counts here.
    count: int = field(default=0, compare=False)
    get: GetStatistics = field(default_factory=GetStatistics)
    ttl: TTLStatistics = field(default_factory=TTLStatistics)
    put: PutStatistics = field(default_factory=PutStatistics)
    delete: DeleteStatistics = field(default_factory=DeleteStatistics)
    exists: ExistsStatistics = field(default_factory=ExistsStatistics)


@dataclass(kw_only=True)
class KVStoreStatistics:
    """Statistics of a store, by collection."""

    collections: dict[str, KVStoreCollectionStatistics] = field(default_factory=dict)
    max_collections: int | None = field(default=None, compare=False)
    """Maximum number of collections to keep; a new one replaces the one first seen."""

    def get_collection(self, collection: str) -> KVStoreCollectionStatistics:
        """Return the statistics of a collection, creating them if there are none."""
        found = self.collections.get(collection)
        if found is None:
            if self.max_collections is not None and len(self.collections) >= self.max_collections:
                del self.collections[next(iter(self.collections))]
            found = self.collections[collection] = KVStoreCollectionStatistics()
        return found

    def snapshot(self) -> Self:
        """Return a copy that no longer changes."""
        return deepcopy(self)

    def reset(self) -> None:
        """Discard all statistics."""
        self.collections.clear()
