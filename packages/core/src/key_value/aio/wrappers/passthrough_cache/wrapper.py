"""A wrapper that keeps in one store what is read from another."""

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from typing import Any, SupportsFloat, TypeVar, cast

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_key, check_keys, warns_on_wrong_types
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base import Combiner
from key_value.aio.wrappers.base.combiner import Operation
from key_value.aio.wrappers.base.locks import NamedLocks
from key_value.aio.wrappers.base.wrapper import default_collection_of
from key_value.aio.wrappers.passthrough_cache.cache import Cache
from key_value.aio.wrappers.passthrough_cache.knowledge import Found, Knowledge, Place
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

DEFAULT_MAX_TTL = 1800.0
DEFAULT_MISSING_TTL = 1800.0

T = TypeVar("T")

_MISS: Found = (None, None)


class PassthroughCacheWrapper(Combiner):
    """Reads from a fast store what was read before from a slow one, and writes to the slow one.

    A write removes the entry from the cache before and after. Of several tasks that miss the same entry one
    loads it, and no load ends in the middle of a write, so that this process never caches what was replaced.
    Another process that writes to the primary store is noticed when the cached entry expires.

    `ttl` gives what the primary store says. A cache that fails is passed by. `keys`, `collections` and
    `put_if_absent` are the primary store's; `destroy` and `destroy_collection` need both stores to have them.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        primary_key_value: AsyncKeyValue,
        cache_key_value: AsyncKeyValue,
        maximum_ttl: SupportsFloat | None = None,
        missing_ttl: SupportsFloat | None = None,
        *,
        negative_ttl: float | None = None,
    ) -> None:
        """Combine two stores.

        Args:
            primary_key_value: The store that is right.
            cache_key_value: The store that is fast.
            maximum_ttl: Seconds that an entry is cached at most; half an hour unless given.
            missing_ttl: Seconds that an entry without a time to live is cached; half an hour unless given.
            negative_ttl: Seconds for which to remember, of 10 000 keys at most, that they are missing; None
                asks the primary store each time.

        Raises:
            InvalidTTLError: A number of seconds is not positive and finite.
        """
        super().__init__()
        self.primary_key_value = primary_key_value
        self.unwrapped_cache_key_value = cache_key_value
        self.cache_key_value = TTLClampWrapper(
            cache_key_value,
            min_ttl=0,
            max_ttl=DEFAULT_MAX_TTL if maximum_ttl is None else maximum_ttl,
            missing_ttl=DEFAULT_MISSING_TTL if missing_ttl is None else missing_ttl,
        )
        self._cache = Cache(self.cache_key_value)
        self._known = Knowledge(negative_ttl)
        self._locks = NamedLocks()
        self._destroyed = 0
        self._wrap(primary_key_value, cache_key_value)

    @override
    def _can(self, protocol: type) -> bool:
        both = (AsyncDestroyStoreProtocol, AsyncDestroyCollectionProtocol)
        return super()._can(protocol) if protocol in both else isinstance(self.primary_key_value, protocol)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        place = self._place(key, collection)
        value = await self._cache.get(place, collection)
        if value is not None or self._known.is_missing(place):
            return value
        [(value, _)] = await self._load([place], collection)
        return value

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        [found] = await self.ttl_many([key], collection=collection)
        return found

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        return [value for value, _ in await self._read_many(keys, collection, timed=False)]

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        return await self._read_many(keys, collection, timed=True)

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        primary = cast("AsyncEnumerateCollectionsProtocol", self.primary_key_value)
        return await primary.collections(limit=limit)

    @override
    async def _cull(self) -> None:
        for store in self.wrapped:
            if isinstance(store, AsyncCullProtocol):
                await store.cull()

    @override
    async def _destroy(self) -> bool:
        return await self._destroy_with(lambda store: cast("AsyncDestroyStoreProtocol", store).destroy())

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        return await self._destroy_with(
            lambda store: cast("AsyncDestroyCollectionProtocol", store).destroy_collection(collection)
        )

    @override
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        return await operation(self.primary_key_value)

    @override
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        check_keys(keys)
        places = list(dict.fromkeys(self._place(key, collection) for key in keys))
        async with self._locks.hold(places):
            await self._forget(places, collection)
            try:
                return await operation(self.primary_key_value)
            finally:
                await self._forget(places, collection)

    def _place(self, key: str, collection: str | None) -> Place:
        check_key(key)
        check_collection(collection)
        return collection or default_collection_of(self.primary_key_value), key

    async def _read_many(self, keys: Sequence[str], collection: str | None, *, timed: bool) -> list[Found]:
        check_keys(keys)
        if not keys:
            return []
        places = list(dict.fromkeys(self._place(key, collection) for key in keys))
        answers = await self._answers(places, collection, timed=timed)
        missing = [place for place in places if place not in answers]
        if missing:
            answers |= zip(missing, await self._load(missing, collection), strict=True)
        by_key = {place[1]: found for place, found in answers.items()}
        repeated = len(by_key) < len(keys)
        return [deepcopy(by_key[key]) if repeated else by_key[key] for key in keys]

    async def _answers(
        self, places: Sequence[Place], collection: str | None, *, timed: bool
    ) -> dict[Place, Found]:
        """What the cache can answer; with times only where they are known."""
        answers: dict[Place, Found] = {}
        for place, value in zip(places, await self._cache.get_many(places, collection), strict=True):
            is_known, seconds = self._known.left(place)
            if value is not None and (is_known or not timed):
                answers[place] = value, seconds
            elif value is None and self._known.is_missing(place):
                answers[place] = _MISS
        return answers

    async def _load(self, places: Sequence[Place], collection: str | None) -> list[Found]:
        """Read from the primary store, unless somebody else has done so while this waited for its turn."""
        async with self._locks.hold(places) as waited:
            answers = await self._answers(places, collection, timed=True) if waited else {}
            missing = [place for place in places if place not in answers]
            destroyed = self._destroyed
            if missing:
                keys = [key for _, key in missing]
                found = await self.primary_key_value.ttl_many(keys, collection=collection)
                for place, each in zip(missing, found, strict=True):
                    self._known.learn(place, each)
                    answers[place] = each
                await self._cache.fill(missing, found, collection)
            if destroyed != self._destroyed:
                await self._forget(missing, collection)
            return [answers[place] for place in places]

    async def _forget(self, places: Sequence[Place], collection: str | None) -> None:
        for place in places:
            self._known.forget(place)
        if places:
            await self._cache.drop(places, collection)

    async def _destroy_with(self, operation: Callable[[AsyncKeyValue], Awaitable[bool]]) -> bool:
        self._destroyed += 1
        destroyed = await operation(self.primary_key_value)
        self._known.clear()
        await operation(self.unwrapped_cache_key_value)
        # A load that read before may have filled the cache since: it looks at this when it has.
        self._destroyed += 1
        return destroyed
