"""Adapter methods that exist only if the store has the abilities for them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio._utils.uncopyable import ShallowCopyable
from key_value.aio.adapters.versions import ComparesAndSets, PutsIfAbsent, Updates
from key_value.aio.adapters.view import View
from key_value.aio.protocols.abilities import (
    AsyncCompareAndSetProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Page,
    TimeToLive,
)
from key_value.aio.protocols.extending import extend, missing_ability
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.protocols.paging import pages

T = TypeVar("T")

VALUES_AT_A_TIME = 100


class _ListsKeys(View[T]):
    __slots__ = ()

    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        """List keys, if the store supports it.

        Args:
            collection: Collection to list.
            limit: Maximum number of keys to return; None returns all.
        """
        store = cast("AsyncEnumerateKeysProtocol", self._store())
        return await store.keys(self._collection(collection), limit=limit)

    async def items(self, collection: str | None = None) -> AsyncIterator[tuple[str, T]]:
        """Iterate over keys and values, if the store can list keys: `async for key, value in ...`.

        Entries that are missing by the time they are read, or that are not of the type, are left out.

        Args:
            collection: Collection to iterate over.
        """
        async for keys in pages(self._store(), self._collection(collection), size=VALUES_AT_A_TIME):
            for key, value in zip(keys, await self._values(keys, collection), strict=True):
                if value is not None:
                    yield key, value


class _Scans(View[T]):
    __slots__ = ()

    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        """List one page of keys, if the store supports it.

        Args:
            collection: Collection to list.
            prefix: Prefix of the keys, taken literally.
            cursor: Cursor returned with the previous page; None for the first page.
            limit: Maximum number of keys in the page; 1 or more.

        Returns:
            The keys and the cursor of the next page, which is None on the last page.
        """
        store = cast("AsyncScanProtocol", self._store())
        return await store.scan(self._collection(collection), prefix=prefix, cursor=cursor, limit=limit)


class _Pops(View[T]):
    __slots__ = ()

    async def pop(self, key: str, *, collection: str | None = None) -> T | None:
        """Remove one entry and return its value, if the store can do so atomically.

        Args:
            key: Key of the entry.
            collection: Collection to remove from.

        Returns:
            The value; None if the key is missing, another caller got it, or it is not of the type.
        """
        store = cast("AsyncPopProtocol", self._store())
        stored = await store.pop(key, collection=self._collection(collection))
        return None if stored is None else self._decode(stored)


class _Touches(View[T]):
    __slots__ = ()

    async def touch(self, key: str, *, ttl: TimeToLive | None, collection: str | None = None) -> bool:
        """Set a new TTL, counted from now, if the store can do so without the value.

        Args:
            key: Key of the entry.
            ttl: Seconds to live or a timedelta; None means the entry never expires.
            collection: Collection of the entry.

        Returns:
            True if the entry exists and had not expired.
        """
        store = cast("AsyncTouchProtocol", self._store())
        return await store.touch(key, ttl=to_seconds(ttl), collection=self._collection(collection))


_MIXINS: Mapping[type, Sequence[type]] = {
    _ListsKeys: [AsyncEnumerateKeysProtocol],
    _Scans: [AsyncScanProtocol],
    PutsIfAbsent: [AsyncPutIfAbsentProtocol],
    ComparesAndSets: [AsyncCompareAndSetProtocol],
    Updates: [AsyncCompareAndSetProtocol, AsyncPutIfAbsentProtocol],
    _Pops: [AsyncPopProtocol],
    _Touches: [AsyncTouchProtocol],
}
"""Mixins with an adapter's methods, and the protocols that each requires of the store."""

_NEEDS: Mapping[str, str] = {"items": "keys", "update": "get_versioned"}
"""Ability required by each method whose name is not that of an ability."""

if TYPE_CHECKING:

    class _Able(_ListsKeys[T], _Scans[T], Updates[T], _Pops[T], _Touches[T]):
        """All methods; which of them exist is known only at run time."""

else:
    _Able = View


class AbilitiesOfStore(ShallowCopyable, _Able[T]):
    """An adapter that has only the methods that its store has abilities for."""

    def _adapt(self, store: AsyncKeyValue) -> None:
        """Add the methods that a store has abilities for."""
        able = {mixin for mixin, needed in _MIXINS.items() if all(isinstance(store, each) for each in needed)}
        # A mixin may not come before one that inherits from it.
        extend(self, [each for each in _MIXINS if each in able and not _is_covered(each, able)])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            store = vars(self).get("_key_value", vars(self).get("key_value"))
            raise missing_ability(self, _NEEDS.get(name, name), () if store is None else (store,))


def _is_covered(mixin: type, able: set[type]) -> bool:
    return any(mixin is not other and issubclass(other, mixin) for other in able)
