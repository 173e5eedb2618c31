"""A wrapper that sends each collection to the store that a mapping names."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from typing_extensions import override

from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.wrapper import default_collection_of
from key_value.aio.wrappers.routing.wrapper import RoutingWrapper


class CollectionRoutingWrapper(RoutingWrapper):
    """Sends each collection to the store that a mapping names, and all others to a default one.

    An operation that names no collection goes where the default store's default collection is sent. The
    wrapper has the abilities that all the stores share, and closes all of them.

    Drops `destroy`: the stores may hold collections that lead elsewhere now.
    """

    def __init__(self, collection_map: Mapping[str, AsyncKeyValue], default_store: AsyncKeyValue) -> None:
        """Combine stores.

        Args:
            collection_map: The stores by the names of the collections that they hold; it is copied.
            default_store: The store of all other collections.
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
