"""The base class of wrappers that combine several stores into one."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_key, check_keys
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.protocols.abilities import Ability, TimeToLive
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments, call_ability
from key_value.aio.wrappers.base.wrapper import BaseWrapper

T = TypeVar("T")

Operation = Callable[[AsyncKeyValue], Awaitable[T]]
"""An operation that is called with the chosen store."""


class Combiner(BaseWrapper):
    """A wrapper that chooses the store for each operation: it implements `_read` and `_write`."""

    keeps = EVERY_ABILITY

    @abstractmethod
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        """Hook: perform an operation that changes nothing.

        Args:
            collection: Collection, as returned by `_collection`.
            operation: Performs the operation on the store passed to it.
        """

    @abstractmethod
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        """Hook: perform an operation that changes entries.

        Args:
            keys: Keys of the entries.
            collection: Collection, as returned by `_collection`.
            operation: Performs the operation on the store passed to it.
        """

    async def _decide(
        self, ability: Ability, keys: Sequence[str], collection: str | None, operation: Operation[T]
    ) -> T:
        """Hook: perform an operation whose result is valid in one store only, such as `put_if_absent`."""
        return await self._write(keys, collection, operation)

    def _collection(self, collection: str | None) -> str | None:
        """Hook: return the name of a collection; by default None means the first store's default."""
        return self._collection_name(collection)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        key, name = check_key(key), self._collection(collection)
        return await self._read(name, lambda store: store.get(key, collection=name))

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        key, name = check_key(key), self._collection(collection)
        return await self._read(name, lambda store: store.ttl(key, collection=name))

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        keys, name = check_keys(keys), self._collection(collection)
        return await self._read(name, lambda store: store.get_many(keys, collection=name))

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        keys, name = check_keys(keys), self._collection(collection)
        return await self._read(name, lambda store: store.ttl_many(keys, collection=name))

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        key, name, seconds = check_key(key), self._collection(collection), to_seconds(ttl)
        await self._write([key], name, lambda store: store.put(key, value, collection=name, ttl=seconds))

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        keys, name, seconds = check_keys(keys), self._collection(collection), to_seconds(ttl)
        await self._write(
            keys, name, lambda store: store.put_many(keys, values, collection=name, ttl=seconds)
        )

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        key, name = check_key(key), self._collection(collection)
        return await self._write([key], name, lambda store: store.delete(key, collection=name))

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        keys, name = check_keys(keys), self._collection(collection)
        return await self._write(keys, name, lambda store: store.delete_many(keys, collection=name))

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        def operation(store: AsyncKeyValue) -> Awaitable[Any]:
            return call_ability(store, ability, {**arguments, **named})

        keys = [check_key(arguments["key"])] if "key" in arguments else []
        collection = self._collection(arguments.get("collection"))
        named = {"collection": collection} if "collection" in arguments else {}
        if ability.single_store:
            return await self._decide(ability, keys, collection, operation)
        if ability.effect == "read":
            return await self._read(collection, operation)
        return await self._write(keys, collection, operation)
