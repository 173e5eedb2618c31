"""The abilities of the 0.5 series, one class and one hook each; `PagedStore` has them all from one hook."""

from abc import ABC, abstractmethod
from typing import Any

from typing_extensions import override

from key_value.aio._utils.arguments import check_limit
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
)
from key_value.aio.stores.base.store import BaseStore


class BaseEnumerateKeysStore(BaseStore, AsyncEnumerateKeysProtocol, ABC):
    """A store that can list the keys of a collection."""

    @abstractmethod
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        """Hook: return the keys of a collection that have not expired.

        It may stop after `limit` distinct keys. Duplicates are allowed.
        """

    @override
    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        collection = self._resolve(collection)
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        if limit == 0:
            return []
        with self._driver_errors:
            keys = await self._get_collection_keys(collection=collection, limit=limit)
        return list(dict.fromkeys(keys))[:limit]


class BaseEnumerateCollectionsStore(BaseStore, AsyncEnumerateCollectionsProtocol, ABC):
    """A store that can list its collections."""

    @abstractmethod
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        """Hook: return the names of the collections.

        It may stop after `limit` distinct names. Duplicates are allowed.
        """

    @override
    async def collections(self, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        await self.setup()
        if limit == 0:
            return []
        with self._driver_errors:
            names = await self._get_collection_names(limit=limit)
        return list(dict.fromkeys(names))[:limit]


class BaseDestroyStore(BaseStore, AsyncDestroyStoreProtocol, ABC):
    """A store that can remove all of its entries."""

    @abstractmethod
    async def _delete_store(self) -> bool:
        """Hook: remove every entry stored through this store, and nothing else."""

    @override
    async def destroy(self) -> bool:
        await self.setup()
        with self._driver_errors:
            destroyed = await self._delete_store()
        self._forget_prepared()
        return destroyed


class BaseDestroyCollectionStore(BaseStore, AsyncDestroyCollectionProtocol, ABC):
    """A store that can remove a whole collection."""

    @abstractmethod
    async def _delete_collection(self, *, collection: str) -> bool:
        """Hook: remove every entry of a collection and return whether there were any."""

    @override
    async def destroy_collection(self, collection: str) -> bool:
        collection = self._resolve(collection)
        await self.setup()
        with self._driver_errors:
            destroyed = await self._delete_collection(collection=collection)
        self._forget_prepared(collection)
        return destroyed


class BaseCullStore(BaseStore, AsyncCullProtocol, ABC):
    """A store that can reclaim the space of expired entries."""

    @abstractmethod
    async def _cull(self) -> None:
        """Hook: remove all expired entries."""

    @override
    async def cull(self) -> None:
        await self.setup()
        with self._driver_errors:
            await self._cull()


class BaseContextManagerStore(BaseStore, ABC):
    """The 0.5 series' base class of stores that close something, which every store can do now.

    Such a store enters the resources that it opens into `self._exit_stack` in its `_setup`.
    """

    def __init__(self, *, client_provided_by_user: bool = False, **kwargs: Any) -> None:
        """Create a store.

        Args:
            client_provided_by_user: Whether the client belongs to the caller, in which case the store does
                not close it.
            **kwargs: Arguments of `BaseStore`.
        """
        self._client_provided_by_user = client_provided_by_user
        super().__init__(**kwargs)
