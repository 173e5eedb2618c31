"""A wrapper that routes each collection to one of several stores."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_limit
from key_value.aio.protocols.abilities import Ability
from key_value.aio.protocols.key_value import AsyncDestroyStoreProtocol, AsyncKeyValue
from key_value.aio.wrappers.base import Combiner
from key_value.aio.wrappers.base.abilities import Arguments, call_ability
from key_value.aio.wrappers.base.combiner import Operation
from key_value.aio.wrappers.base.wrapper import distinct

T = TypeVar("T")

RoutingFunction = Callable[[str | None], AsyncKeyValue | None]
"""Returns the store of a collection, or None for the default store."""


class RoutingWrapper(Combiner):
    """A wrapper that routes each collection to the store that a function returns.

    It has the abilities that all of its stores share, and closes all of them. These are the stores passed to
    it, since they cannot be found out from the function. Without `stores` it has no abilities, and closes
    only the default store.

    Drops `destroy`: the stores may hold collections that are now routed elsewhere.
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
            routing_function: Function called with the collection of each operation, or None if the operation
                names no collection. It returns the store to use, or None for the default store.
            default_store: Store for all other collections.
            stores: All other stores that the function may return.
        """
        super().__init__()
        self.routing_function = routing_function
        self.default_store = default_store
        self._knows_all = bool(others := list(stores))
        self._wrap(default_store, *others)

    @override
    def _collection(self, collection: str | None) -> str | None:
        return check_collection(collection)

    def _store(self, collection: str | None) -> AsyncKeyValue:
        store = self.routing_function(collection)
        return self.default_store if store is None else store

    @override
    def _can_offer(self, protocol: type) -> bool:
        return self._knows_all and super()._can_offer(protocol)

    @override
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        return await operation(self._store(collection))

    @override
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        return await operation(self._store(collection))

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if "collection" in arguments:
            return await super()._call_ability(ability, arguments)
        limit = arguments.get("limit")
        check_limit(limit)
        unlimited = {name: None if name == "limit" else given for name, given in arguments.items()}
        results = [(store, await call_ability(store, ability, unlimited)) for store in distinct(self.wrapped)]
        if ability.gives != "collections":
            return None
        owned = (name for store, names in results for name in names if self._store(name) is store)
        return list(dict.fromkeys(owned))[:limit]
