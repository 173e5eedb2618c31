"""`RoutingWrapper` and `CollectionRoutingWrapper`: one store from several, by collection."""

from key_value.aio.wrappers.routing.collection_routing import CollectionRoutingWrapper
from key_value.aio.wrappers.routing.wrapper import RoutingFunction, RoutingWrapper

__all__ = ["CollectionRoutingWrapper", "RoutingFunction", "RoutingWrapper"]
