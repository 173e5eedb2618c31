"""A wrapper that sends each collection to one of several stores."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_limit
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base import Combiner
from key_value.aio.wrappers.base.combiner import Operation

T = TypeVar("T")

RoutingFunction = Callable[[str | None], AsyncKeyValue | None]
"""Returns the store of a collection, or None for the default one."""


class RoutingWrapper(Combiner):
    """Sends each collection to the store that a function names.

    It has the abilities that all its stores have, and closes all of them: those that are named, since the
    function alone does not tell them. Without `stores` it has no abilities, and closes the default one only.

    Drops `destroy`: the stores may hold collections that lead elsewhere now.
    """

    drops = frozenset({AsyncDestroyStoreProtocol})

    def __init__(
        self,
        routing_function: RoutingFunction,
        default_store: AsyncKeyValue,
        *,
        stores: Iterable[AsyncKeyValue] = (),
    ) -> None:
        """Combine stores.

        Args:
            routing_function: Called with the collection of each operation, None where none is named; returns
                the store to use, or None for the default one.
            default_store: The store of all other collections.
            stores: Every other store that the function may return.
        """
        super().__init__()
        self.routing_function = routing_function
        self.default_store = default_store
        self._knows_all = bool(others := list(stores))
        self._wrap(default_store, *others)

    def _store(self, collection: str | None) -> AsyncKeyValue:
        check_collection(collection)
        return self.routing_function(collection) or self.default_store

    @override
    def _can(self, protocol: type) -> bool:
        return self._knows_all and super()._can(protocol)

    @override
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        return await operation(self._store(collection))

    @override
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        return await operation(self._store(collection))

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        names: dict[str, None] = {}
        for store in self._different():
            listed = await cast("AsyncEnumerateCollectionsProtocol", store).collections()
            names.update((name, None) for name in listed if self._store(name) is store)
        return list(names)[:limit]

    @override
    async def _cull(self) -> None:
        for store in self._different():
            await cast("AsyncCullProtocol", store).cull()
