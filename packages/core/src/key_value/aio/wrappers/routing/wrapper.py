"""A wrapper that sends each collection to one of several stores."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, SupportsFloat, cast

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.stores.base.abilities import check_limit
from key_value.aio.wrappers.base import BaseWrapper

RoutingFunction = Callable[[str | None], AsyncKeyValue | None]
"""Returns the store of a collection, or None for the default one."""


class RoutingWrapper(BaseWrapper):
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
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        return await self._store(collection).get(key, collection=collection)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        return await self._store(collection).ttl(key, collection=collection)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        await self._store(collection).put(key, value, collection=collection, ttl=ttl)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        return await self._store(collection).delete(key, collection=collection)

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        return await self._store(collection).get_many(keys, collection=collection)

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        return await self._store(collection).ttl_many(keys, collection=collection)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        await self._store(collection).put_many(keys, values, collection=collection, ttl=ttl)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        return await self._store(collection).delete_many(keys, collection=collection)

    @override
    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        store = cast("AsyncEnumerateKeysProtocol", self._store(collection))
        return await store.keys(collection, limit=limit)

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        names: dict[str, None] = {}
        for store in self._different():
            listed = await cast("AsyncEnumerateCollectionsProtocol", store).collections()
            names.update((name, None) for name in listed if self._store(name) is store)
        return list(names)[:limit]

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        store = cast("AsyncDestroyCollectionProtocol", self._store(collection))
        return await store.destroy_collection(collection)

    @override
    async def _cull(self) -> None:
        for store in self._different():
            await cast("AsyncCullProtocol", store).cull()

    @override
    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        store = cast("AsyncPutIfAbsentProtocol", self._store(collection))
        return await store.put_if_absent(key, value, collection=collection, ttl=ttl)
