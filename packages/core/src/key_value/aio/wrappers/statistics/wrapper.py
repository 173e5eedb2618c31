"""A wrapper that counts what a store is asked for."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Call, Interceptor
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
    """Counts keys, hits, misses and errors, and times calls, for each collection."""

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, max_collections: int = 1000) -> None:
        """Wrap a store.

        Args:
            key_value: The store.
            max_collections: How many collections to keep statistics of; a new one takes the place of the one
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
        """What was counted so far; it goes on changing, unlike its `snapshot()`."""
        return self._statistics

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        count = _COUNTED.get(call.operation)
        if count is None:
            return await proceed()
        collection = self._statistics.get_collection(call.collection or DEFAULT_COLLECTION_NAME)
        operation = _operation(collection, call.operation)
        started = time.perf_counter()
        failed = True
        try:
            result = await proceed()
            failed = False
        finally:
            seconds = time.perf_counter() - started
            operation.add_call(seconds, failed=failed)
            collection.add_call(seconds, failed=failed)
        before = operation.count
        count(operation, call, result)
        collection.increment(increment=operation.count - before)
        return result


def _operation(collection: KVStoreCollectionStatistics, name: str) -> BaseStatistics:
    if name.startswith("get"):
        return collection.get
    if name.startswith("ttl"):
        return collection.ttl
    return collection.put if name.startswith("put") else collection.delete


def _count_hits(operation: BaseHitMissStatistics, keys: int, hits: int) -> None:
    operation.increment_hit(increment=hits)
    operation.increment_miss(increment=max(keys - hits, 0))


_Count = Callable[[Any, Call, Any], None]

_COUNTED: dict[str, _Count] = {
    "get": lambda operation, _, value: _count_hits(operation, 1, value is not None),
    "ttl": lambda operation, _, found: _count_hits(operation, 1, found[0] is not None),
    "get_many": lambda operation, _, values: _count_hits(
        operation, len(values), sum(value is not None for value in values)
    ),
    "ttl_many": lambda operation, _, found: _count_hits(
        operation, len(found), sum(value is not None for value, _ in found)
    ),
    "put": lambda operation, call, _: operation.increment(increment=len(call.keys)),
    "put_many": lambda operation, call, _: operation.increment(increment=len(call.keys)),
    "put_if_absent": lambda operation, _, stored: operation.increment(increment=int(stored)),
    "delete": lambda operation, _, deleted: _count_hits(operation, 1, int(deleted)),
    "delete_many": lambda operation, call, deleted: _count_hits(operation, len(set(call.keys)), deleted),
}
