"""A wrapper that counts what a store is asked for."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
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
        outcome = _OUTCOMES.get(call.operation)
        if outcome is None:
            return await proceed()
        collection = self._statistics.get_collection(call.collection or DEFAULT_COLLECTION_NAME)
        operation = _operation(collection, call.operation)
        started = time.perf_counter()
        try:
            result = await proceed()
        except BaseException:
            _add_call(operation, collection, time.perf_counter() - started, failed=True)
            raise
        _add_call(operation, collection, time.perf_counter() - started, failed=False)
        keys, hits = outcome(call, result)
        operation.count += keys
        collection.count += keys
        if isinstance(operation, BaseHitMissStatistics):
            operation.hit += hits
            operation.miss += keys - hits
        return result


def _operation(collection: KVStoreCollectionStatistics, name: str) -> BaseStatistics:
    if name.startswith("get"):
        return collection.get
    if name.startswith("ttl"):
        return collection.ttl
    return collection.put if name.startswith("put") else collection.delete


def _add_call(
    operation: BaseStatistics, collection: KVStoreCollectionStatistics, seconds: float, *, failed: bool
) -> None:
    operation.add_call(seconds, failed=failed)
    collection.add_call(seconds, failed=failed)


def _read(hits: Callable[[Any], int]) -> Callable[[Call, Any], tuple[int, int]]:
    return lambda call, result: (len(call.keys), hits(result))


_OUTCOMES: Mapping[str, Callable[[Call, Any], tuple[int, int]]] = {
    **{operation: _read(hits) for operation, hits in HITS.items()},
    "put": lambda call, _: (len(call.keys), 0),
    "put_many": lambda call, _: (len(call.keys), 0),
    "put_if_absent": lambda _, stored: (int(stored), 0),
    "delete": lambda _, deleted: (1, int(deleted)),
    "delete_many": lambda call, deleted: (max(len(set(call.keys)), deleted), deleted),
}
"""How many keys a call was for, and how many of them had an entry."""
