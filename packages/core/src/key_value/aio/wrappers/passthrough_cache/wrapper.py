"""A wrapper that caches in one store the entries read from another."""

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_key, check_keys, warns_on_wrong_types
from key_value.aio._utils.time_to_live import prepare_ttl
from key_value.aio.protocols.abilities import Ability
from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncKeyValue,
    TimeToLive,
)
from key_value.aio.wrappers.base import Combiner
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments, call_ability
from key_value.aio.wrappers.base.combiner import Operation
from key_value.aio.wrappers.base.locks import NamedLocks
from key_value.aio.wrappers.passthrough_cache.cache import Cache
from key_value.aio.wrappers.passthrough_cache.expiries import Address, ExpiryIndex, ValueAndTTL
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

DEFAULT_MAX_TTL = 1800.0
DEFAULT_MISSING_TTL = 1800.0

T = TypeVar("T")

_MISS: ValueAndTTL = (None, None)

_NEEDED_IN_BOTH = (AsyncDestroyStoreProtocol, AsyncDestroyCollectionProtocol)


class PassthroughCacheWrapper(Combiner):
    """A wrapper that caches entries of a slow store in a fast one, and writes to the slow one.

    A write removes the entry from the cache, both before and after. If several tasks miss the same entry,
    only one loads it, and no load ends in the middle of a write, so that this process never caches a replaced
    value. Writes of another process to the primary store become visible when the cached entry expires. If no
    collection is named, both stores use the primary one's default collection.

    `ttl` returns the TTL in the primary store. A cache that fails is skipped. `keys`, `collections`, `scan`,
    `put_if_absent`, versions and writes by version, `pop` and `touch` use the primary store; those that name
    a key remove it from the cache. `destroy` and `destroy_collection` are available if both stores have them.
    """

    keeps = EVERY_ABILITY

    @warns_on_wrong_types
    def __init__(
        self,
        primary_key_value: AsyncKeyValue,
        cache_key_value: AsyncKeyValue,
        maximum_ttl: TimeToLive | None = None,
        missing_ttl: TimeToLive | None = None,
        *,
        negative_ttl: TimeToLive | None = None,
    ) -> None:
        """Combine two stores.

        Args:
            primary_key_value: Store that holds the entries.
            cache_key_value: Fast store used as the cache.
            maximum_ttl: Maximum time that an entry is cached, in seconds or as a timedelta. Defaults to
                30 minutes.
            missing_ttl: Time that an entry without a TTL is cached, in seconds or as a timedelta. Defaults to
                30 minutes.
            negative_ttl: Time to remember that a key is missing, in seconds or as a timedelta, for at most
                10 000 keys; None reads the primary store each time.

        Raises:
            InvalidTTLError: One of the times is not positive and finite.
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
        self._expiries = ExpiryIndex(prepare_ttl(negative_ttl))
        self._locks = NamedLocks()
        self._destroyed = 0
        self._wrap(primary_key_value, cache_key_value)

    @override
    def _can_offer(self, protocol: type) -> bool:
        if protocol in _NEEDED_IN_BOTH:
            return super()._can_offer(protocol)
        return isinstance(self.wrapped[0], protocol)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        key, collection = check_key(key), self._collection(collection)
        value = await self._cache.get((collection, key))
        if value is not None or self._expiries.is_missing((collection, key)):
            return value
        [(value, _)] = await self._load([key], collection)
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
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if ability.effect != "destroy":
            return await super()._call_ability(ability, arguments)
        if "collection" in arguments:
            arguments = {**arguments, "collection": self._collection(arguments["collection"])}
        if ability.protocol not in _NEEDED_IN_BOTH:
            for store in self.wrapped:
                if isinstance(store, ability.protocol):
                    await call_ability(store, ability, arguments)
            return None
        return await self._destroy_both(lambda store: call_ability(store, ability, arguments))

    @override
    async def _decide(
        self, ability: Ability, keys: Sequence[str], collection: str | None, operation: Operation[T]
    ) -> T:
        return await (self._write(keys, collection, operation) if keys else self._read(collection, operation))

    @override
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        return await operation(self.primary_key_value)

    @override
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        addresses = [(collection, key) for key in dict.fromkeys(keys)]
        async with self._locks.hold(addresses):
            await self._discard(addresses)
            try:
                return await operation(self.primary_key_value)
            finally:
                await self._discard(addresses)

    async def _read_many(
        self, keys: Sequence[str], collection: str | None, *, timed: bool
    ) -> list[ValueAndTTL]:
        keys, collection = check_keys(keys), self._collection(collection)
        if not keys:
            return []
        distinct_keys = list(dict.fromkeys(keys))
        answers = await self._answers(distinct_keys, collection, timed=timed)
        missing = [key for key in distinct_keys if key not in answers]
        if missing:
            answers |= zip(missing, await self._load(missing, collection), strict=True)
        repeated = len(answers) < len(keys)
        return [deepcopy(answers[key]) if repeated else answers[key] for key in keys]

    async def _answers(
        self, keys: Sequence[str], collection: str | None, *, timed: bool
    ) -> dict[str, ValueAndTTL]:
        """Return the results that the cache can provide; if `timed`, only those whose expiry is known."""
        answers: dict[str, ValueAndTTL] = {}
        for key, value in zip(keys, await self._cache.get_many(keys, collection), strict=True):
            is_known, seconds = self._expiries.left((collection, key))
            if value is not None and (is_known or not timed):
                answers[key] = value, seconds
            elif value is None and self._expiries.is_missing((collection, key)):
                answers[key] = _MISS
        return answers

    async def _load(self, keys: Sequence[str], collection: str | None) -> list[ValueAndTTL]:
        """Read from the primary store, unless another task did so while this one waited for the lock."""
        async with self._locks.hold((collection, key) for key in keys) as waited:
            answers = await self._answers(keys, collection, timed=True) if waited else {}
            missing = [key for key in keys if key not in answers]
            destroyed = self._destroyed
            if missing:
                found = await self.primary_key_value.ttl_many(missing, collection=collection)
                for key, each in zip(missing, found, strict=True):
                    self._expiries.record((collection, key), each)
                    answers[key] = each
                await self._cache.fill(missing, found, collection)
            if destroyed != self._destroyed:
                await self._discard([(collection, key) for key in missing])
            return [answers[key] for key in keys]

    async def _discard(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            self._expiries.discard(address)
        if addresses:
            await self._cache.drop(addresses)

    async def _destroy_both(self, operation: Callable[[AsyncKeyValue], Awaitable[bool]]) -> bool:
        self._destroyed += 1
        destroyed = await operation(self.primary_key_value)
        self._expiries.clear()
        await operation(self.unwrapped_cache_key_value)
        # A load that read before may have filled the cache since: it checks this counter afterwards.
        self._destroyed += 1
        return destroyed
