"""A wrapper that routes collections to stores by a mapping."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from typing_extensions import override

from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.wrapper import default_collection_of
from key_value.aio.wrappers.routing.wrapper import RoutingWrapper


class CollectionRoutingWrapper(RoutingWrapper):
    """A wrapper that routes each collection to the store in a mapping, and all others to a default store.

    An operation that names no collection is routed like the default store's default collection. The wrapper
    has the abilities that all of its stores share, and closes all of them.

    Drops `destroy`: the stores may hold collections that are now routed elsewhere.
    """

    def __init__(self, collection_map: Mapping[str, AsyncKeyValue], default_store: AsyncKeyValue) -> None:
        """Combine stores.

        Args:
            collection_map: Stores by the names of the collections that they hold; the mapping is copied.
            default_store: Store for all other collections.
        """
        self.collection_map = MappingProxyType(dict(collection_map))
        mapped = partial(_mapped, self.collection_map, default_store)
        super().__init__(mapped, default_store, stores=self.collection_map.values())

    @override
    def _can_offer(self, protocol: type) -> bool:
        return all(isinstance(store, protocol) for store in self.wrapped)


def _mapped(
    collection_map: Mapping[str, AsyncKeyValue], default_store: AsyncKeyValue, collection: str | None
) -> AsyncKeyValue | None:
    default = default_collection_of(default_store) or DEFAULT_COLLECTION_NAME
    return collection_map.get(collection or default)
