"""The methods that an adapter has if its store has the abilities for them."""

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
        """List keys, if the store can.

        Args:
            collection: The collection to list.
            limit: List so many at most; None lists all.
        """
        store = cast("AsyncEnumerateKeysProtocol", self._store())
        return await store.keys(self._collection(collection), limit=limit)

    async def items(self, collection: str | None = None) -> AsyncIterator[tuple[str, T]]:
        """Walk through keys and values, if the store can list keys: `async for key, value in ...`.

        What is missing by the time it is read, or not of the type, is left out.

        Args:
            collection: The collection to walk through.
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
        """List a page of keys, if the store can.

        Args:
            collection: The collection to list.
            prefix: What the keys start with, taken literally.
            cursor: The cursor of the page before; None for the first page.
            limit: How many keys the page has at most, 1 or more.

        Returns:
            The keys and the cursor of the next page, which is None at the end.
        """
        store = cast("AsyncScanProtocol", self._store())
        return await store.scan(self._collection(collection), prefix=prefix, cursor=cursor, limit=limit)


class _Pops(View[T]):
    __slots__ = ()

    async def pop(self, key: str, *, collection: str | None = None) -> T | None:
        """Remove one entry and return its value, if the store can do so atomically.

        Args:
            key: The key.
            collection: The collection to remove it from.

        Returns:
            The value; None if the key is missing, another caller got it, or it is not of the type.
        """
        store = cast("AsyncPopProtocol", self._store())
        stored = await store.pop(key, collection=self._collection(collection))
        return None if stored is None else self._decode(stored)


class _Touches(View[T]):
    __slots__ = ()

    async def touch(self, key: str, *, ttl: TimeToLive | None, collection: str | None = None) -> bool:
        """Give an entry a new time to live from now on, if the store can do so without its value.

        Args:
            key: The key.
            ttl: Seconds to live or a timedelta; None means for ever.
            collection: The collection to look in.

        Returns:
            True if there was an entry that had not expired.
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
"""The methods that an adapter has, by the protocols that its store needs for them."""

_NEEDS: Mapping[str, str] = {"items": "keys", "update": "get_versioned"}
"""The ability that a method needs whose name is not that of an ability."""

if TYPE_CHECKING:

    class _Able(_ListsKeys[T], _Scans[T], Updates[T], _Pops[T], _Touches[T]):
        """All methods: which of them there are is known only at run time."""

else:
    _Able = View


class AbilitiesOfStore(ShallowCopyable, _Able[T]):
    """An adapter that has the methods of those abilities only that its store has."""

    def _adapt(self, store: AsyncKeyValue) -> None:
        """Take over the abilities of a store."""
        able = {mixin for mixin, needed in _MIXINS.items() if all(isinstance(store, each) for each in needed)}
        # A mixin may not stand before one that inherits from it.
        extend(self, [each for each in _MIXINS if each in able and not _is_covered(each, able)])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            store = vars(self).get("_key_value", vars(self).get("key_value"))
            raise missing_ability(self, _NEEDS.get(name, name), () if store is None else (store,))


def _is_covered(mixin: type, able: set[type]) -> bool:
    return any(mixin is not other and issubclass(other, mixin) for other in able)
