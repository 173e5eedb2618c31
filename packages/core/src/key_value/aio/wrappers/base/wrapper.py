"""The base class of every wrapper, which forwards everything."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, SupportsFloat, cast

from typing_extensions import Self, override

from key_value.aio._utils.arguments import (
    check_collection,
    check_key,
    check_keys,
    check_store,
    check_value,
    check_values,
)
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio._utils.uncopyable import ShallowCopyable
from key_value.aio.protocols.abilities import Ability
from key_value.aio.protocols.extending import extend, missing_ability, plain_class
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.abilities import Arguments, call_ability, kept_abilities


class BaseWrapper(ShallowCopyable, AsyncKeyValue):
    """A store that forwards every operation to another.

    Subclass it, assign the store to `self.key_value`, and override the methods to change. The wrapper has the
    abilities of the wrapped store (`keys`, `destroy`, ...), and `isinstance` reflects this. A subclass that
    overrides `put` loses `put_if_absent`, and one that overrides `delete` loses the abilities to list and to
    destroy, since they would bypass the override. It keeps them if it also has those methods, or lists their
    protocols in `keeps`.
    """

    drops: ClassVar[frozenset[type]] = frozenset()
    """Protocols of abilities that this wrapper cannot keep."""

    keeps: ClassVar[frozenset[type]] = frozenset()
    """Protocols of abilities that remain correct although this class overrides operations."""

    # Two underscores, because a user's wrapper may have attributes of any name.
    __wrapped: tuple[AsyncKeyValue, ...] = ()
    __only: AsyncKeyValue
    __default: str | None = None

    if TYPE_CHECKING:
        key_value: AsyncKeyValue
        """The wrapped store."""

        @property
        def wrapped(self) -> tuple[AsyncKeyValue, ...]:
            """The wrapped stores, in the order of their use."""
            ...

    def __init__(self, key_value: AsyncKeyValue | None = None) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap; None if the subclass assigns `self.key_value` itself.
        """
        if key_value is not None:
            self._wrap(key_value)

    @override
    def __repr__(self) -> str:
        return f"{plain_class(type(self)).__name__}({', '.join(map(repr, self.__wrapped))})"

    def _wrap(self, *wrapped: AsyncKeyValue) -> None:
        """Adopt the abilities that these stores share, and close the stores with this wrapper."""
        cls = plain_class(type(self))
        for store in wrapped:
            # A `RoutingWrapper` whose function always returns a store may have no default one.
            if store is not None:  # pyright: ignore[reportUnnecessaryComparison] -- callers may not be typed
                check_store(store, cls)
        self.__wrapped = wrapped
        vars(self).pop("_BaseWrapper__only", None)
        if len(wrapped) == 1:
            self.__only = wrapped[0]
        self.__default = default_collection_of(wrapped[0]) if wrapped else None
        extend(self, kept_abilities(cls, BaseWrapper, self.drops, self._can_offer))

    def _can_offer(self, protocol: type) -> bool:
        """Hook: return whether the wrapped stores allow this wrapper to offer the protocol of an ability."""
        return bool(self.__wrapped) and all(isinstance(inner, protocol) for inner in self.__wrapped)

    def _collection_name(self, collection: str | None) -> str | None:
        """Resolve a collection to its name, or to that of the default collection if none is named.

        Returns:
            The name; None only if the wrapped store does not report its default collection.
        """
        if collection is not None and type(collection) is not str:
            collection = check_collection(collection)
        return collection or getattr(self, "default_collection", None) or self.__default

    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        """Hook: call a method of an ability that this wrapper keeps.

        Args:
            ability: Method to call.
            arguments: All of its arguments, by name.
        """
        return await call_ability(self.key_value, ability, arguments)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        return await self.key_value.get(check_key(key), collection=check_collection(collection))

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        return await self.key_value.ttl(check_key(key), collection=check_collection(collection))

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        key, collection = check_key(key), check_collection(collection)
        check_value(value)
        await self.key_value.put(key, value, collection=collection, ttl=to_seconds(ttl))

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        return await self.key_value.delete(check_key(key), collection=check_collection(collection))

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        return await self.key_value.get_many(check_keys(keys), collection=check_collection(collection))

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        return await self.key_value.ttl_many(check_keys(keys), collection=check_collection(collection))

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        keys, collection = check_keys(keys), check_collection(collection)
        check_values(keys, values)
        await self.key_value.put_many(keys, values, collection=collection, ttl=to_seconds(ttl))

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        return await self.key_value.delete_many(check_keys(keys), collection=check_collection(collection))

    async def setup(self) -> None:
        """Prepare the wrapped stores now rather than on first use."""
        for inner in distinct(self.__wrapped):
            if hasattr(inner, "setup"):
                await cast("Any", inner).setup()

    async def close(self) -> None:
        """Close the wrapped stores."""
        async with AsyncExitStack() as closing:
            for inner in distinct(self.__wrapped):
                if hasattr(inner, "close"):
                    closing.push_async_callback(cast("Any", inner).close)

    async def __aenter__(self) -> Self:
        for inner in distinct(self.__wrapped):
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

    if not TYPE_CHECKING:
        # A user's wrapper may declare this attribute in any form; None leaves the choice to the wrapped
        # store.
        default_collection = None
        # Getters implemented in C, since each operation of each wrapper reads `key_value`.
        wrapped = property(attrgetter("_BaseWrapper__wrapped"))
        key_value = property(attrgetter("_BaseWrapper__only"), lambda self, store: self._wrap(store))

        def __getattr__(self, name: str) -> Any:
            raise missing_ability(self, name, self.__wrapped)


def distinct(stores: Sequence[AsyncKeyValue]) -> Sequence[AsyncKeyValue]:
    """Return stores without duplicates, in order."""
    return list({id(store): store for store in stores}.values())


def default_collection_of(store: object) -> str | None:
    """Return the default collection of a store or wrapper; None if it does not report one."""
    while True:
        name: object = getattr(store, "default_collection", None)
        if name and isinstance(name, str):
            return name
        wrapped = getattr(store, "wrapped", None)
        if not wrapped or not isinstance(wrapped, tuple):
            return None
        store = cast("object", wrapped[0])
