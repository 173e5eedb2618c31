"""A wrapper that counts the operations on a store."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import HITS, Call, Interceptor
from key_value.aio.wrappers.statistics.statistics import (
    BaseHitMissStatistics,
    BaseStatistics,
    DeleteStatistics,
    ExistsStatistics,
    GetStatistics,
    KVStoreCollectionStatistics,
    KVStoreStatistics,
    PutStatistics,
    TTLStatistics,
)

__all__ = [
    "BaseHitMissStatistics",
    "BaseStatistics",
    "DeleteStatistics",
    "ExistsStatistics",
    "GetStatistics",
    "KVStoreCollectionStatistics",
    "KVStoreStatistics",
    "PutStatistics",
    "StatisticsWrapper",
    "TTLStatistics",
]

T = TypeVar("T")


class StatisticsWrapper(Interceptor):
    """A wrapper that counts keys, hits, misses and errors, and measures calls, for each collection.

    `get_versioned` counts as `get`. `put_if_absent`, `put_if_version` and `touch` count as `put` if they
    changed something. `delete_if_version` and `pop` count as `delete`.
    """

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, max_collections: int = 1000) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            max_collections: Maximum number of collections to keep statistics of; a new one replaces the one
                first seen.

        Raises:
            ValueError: `max_collections` is less than 1.
        """
        if max_collections < 1:
            raise ValueError(f"max_collections must be 1 or more, not {max_collections}")
        super().__init__(key_value)
        self._statistics = KVStoreStatistics(max_collections=max_collections)

    @property
    def statistics(self) -> KVStoreStatistics:
        """The statistics so far; they keep changing, unlike those of a `snapshot()`."""
        return self._statistics

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        kind = _KINDS.get(call.operation)
        if kind is None:
            return await proceed()
        name = self._collection_name(call.collection) or DEFAULT_COLLECTION_NAME
        collection = self._statistics.collections.get(name) or self._statistics.get_collection(name)
        operation: BaseStatistics = getattr(collection, kind)
        failed = True
        started = time.perf_counter()
        try:
            result = await proceed()
            failed = False
        finally:
            seconds = time.perf_counter() - started
            operation.add_call(seconds, failed=failed)
            collection.add_call(seconds, failed=failed)
        count_hits = HITS.get(call.operation)
        keys, hits = (len(call.keys), count_hits(result)) if count_hits else _counts(call, result)
        operation.count += keys
        collection.count += keys
        if isinstance(operation, BaseHitMissStatistics):
            operation.hit += hits
            operation.miss += keys - hits
        return result


def _counts(call: Call, result: Any) -> tuple[int, int]:
    """Return the number of keys of a call that is not a read, and of those that had an entry."""
    if call.operation == "delete_many":
        return max(len(set(call.keys)), result), result
    if call.operation in ("put", "put_many"):
        return len(call.keys), 0
    done = int(result not in (None, False))
    # A conditional write that was rejected stored nothing, whereas a delete of a missing key is a miss.
    return (1, done) if _KINDS[call.operation] == "delete" else (done, 0)


_KINDS: Mapping[str, str] = {
    **{name: name.removesuffix("_many") for name in ("get", "get_many", "ttl", "ttl_many")},
    **{name: name.removesuffix("_many") for name in ("put", "put_many", "delete", "delete_many")},
    **{each.method: each.bypasses[-1] for each in ABILITIES if "key" in each.takes},
}
"""Statistics in which each operation counts; an ability counts as the operation that it replaces."""
