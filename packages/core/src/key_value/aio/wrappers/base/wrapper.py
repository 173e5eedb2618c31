"""The base of every wrapper: it passes everything on."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, ClassVar, SupportsFloat, cast

from typing_extensions import Self, override

from key_value.aio._utils.arguments import check_collection, check_key, check_keys, check_value, check_values
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.wrappers.base.abilities import kept_abilities


class BaseWrapper(AsyncKeyValue):
    """A store that passes every operation on to another.

    Subclass it, assign the store to `self.key_value`, and override what is to differ. The wrapper has the
    abilities of what it wraps (`keys`, `destroy`, ...), and `isinstance` says so. A subclass that overrides
    `put` loses `put_if_absent`, and one that overrides `delete` loses the abilities to list and to destroy,
    unless it writes those methods too, or names them in `keeps`: they would reach around it.
    """

    drops: ClassVar[frozenset[type]] = frozenset()
    """The protocols of abilities that this wrapper cannot keep."""

    keeps: ClassVar[frozenset[type]] = frozenset()
    """The protocols of abilities that are right although this class overrides `put` or `delete`."""

    _wrapped: tuple[AsyncKeyValue, ...] = ()
    _kept: tuple[str, ...] = ()

    def __init__(self, key_value: AsyncKeyValue | None = None) -> None:
        """Wrap a store.

        Args:
            key_value: The store; None where the subclass assigns `self.key_value` itself.
        """
        if key_value is not None:
            self.key_value = key_value

    @property
    def key_value(self) -> AsyncKeyValue:
        """The store that is wrapped."""
        if len(self._wrapped) != 1:
            raise AttributeError(f"{type(self).__name__} has no attribute 'key_value'")
        return self._wrapped[0]

    @key_value.setter
    def key_value(self, key_value: AsyncKeyValue) -> None:
        self._wrap(key_value)

    @property
    def wrapped(self) -> tuple[AsyncKeyValue, ...]:
        """The stores that are wrapped, the one that is asked first coming first."""
        return self._wrapped

    def _wrap(self, *wrapped: AsyncKeyValue) -> None:
        """Take over what these stores all can, and close them with this wrapper."""
        for method in self._kept:
            delattr(self, method)
        self._wrapped = wrapped
        self._kept = tuple(kept_abilities(type(self), self.drops, self._can))
        for method in self._kept:
            setattr(self, method, getattr(self, f"_{method}"))

    def _can(self, protocol: type) -> bool:
        """Hook: whether what is wrapped lets this wrapper offer the protocol of an ability."""
        return bool(self._wrapped) and all(isinstance(inner, protocol) for inner in self._wrapped)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        _check(key, collection)
        return await self.key_value.get(key, collection=collection)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        _check(key, collection)
        return await self.key_value.ttl(key, collection=collection)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        _check(key, collection)
        check_value(value)
        await self.key_value.put(key, value, collection=collection, ttl=ttl)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        _check(key, collection)
        return await self.key_value.delete(key, collection=collection)

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        _check_many(keys, collection)
        return await self.key_value.get_many(keys, collection=collection)

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        _check_many(keys, collection)
        return await self.key_value.ttl_many(keys, collection=collection)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        _check_many(keys, collection)
        check_values(keys, values)
        await self.key_value.put_many(keys, values, collection=collection, ttl=ttl)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        _check_many(keys, collection)
        return await self.key_value.delete_many(keys, collection=collection)

    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        return await cast("AsyncEnumerateKeysProtocol", self.key_value).keys(collection, limit=limit)

    async def _collections(self, *, limit: int | None = None) -> list[str]:
        return await cast("AsyncEnumerateCollectionsProtocol", self.key_value).collections(limit=limit)

    async def _destroy(self) -> bool:
        return await cast("AsyncDestroyStoreProtocol", self.key_value).destroy()

    async def _destroy_collection(self, collection: str) -> bool:
        return await cast("AsyncDestroyCollectionProtocol", self.key_value).destroy_collection(collection)

    async def _cull(self) -> None:
        await cast("AsyncCullProtocol", self.key_value).cull()

    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        inner = cast("AsyncPutIfAbsentProtocol", self.key_value)
        return await inner.put_if_absent(key, value, collection=collection, ttl=ttl)

    async def setup(self) -> None:
        """Prepare what is wrapped now rather than at its first use."""
        for inner in self._different():
            if hasattr(inner, "setup"):
                await cast("Any", inner).setup()

    async def close(self) -> None:
        """Close what is wrapped."""
        async with AsyncExitStack() as closing:
            for inner in self._different():
                if hasattr(inner, "close"):
                    closing.push_async_callback(cast("Any", inner).close)

    async def __aenter__(self) -> Self:
        for inner in self._different():
            if hasattr(inner, "__aenter__"):
                await cast("Any", inner).__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _different(self) -> Sequence[AsyncKeyValue]:
        """The stores that are wrapped, each once."""
        return list({id(inner): inner for inner in self._wrapped}.values())


def default_collection_of(key_value: object) -> str:
    """The name of the collection that a store or wrapper uses where none is named."""
    name: object = getattr(key_value, "default_collection", None)
    if isinstance(name, str):
        return name
    if isinstance(key_value, BaseWrapper) and key_value.wrapped:
        return default_collection_of(key_value.wrapped[0])
    return DEFAULT_COLLECTION_NAME


def _check(key: str, collection: str | None) -> None:
    check_key(key)
    check_collection(collection)


def _check_many(keys: Sequence[str], collection: str | None) -> None:
    check_keys(keys)
    check_collection(collection)
