"""The base of wrappers that make one store of several."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, SupportsFloat, TypeVar, cast

from typing_extensions import override

from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.wrappers.base.wrapper import BaseWrapper

T = TypeVar("T")

Operation = Callable[[AsyncKeyValue], Awaitable[T]]
"""What to ask of a store, once it is known of which."""


class Combiner(BaseWrapper):
    """A wrapper that decides of which store to ask each operation: it writes `_read` and `_write`."""

    @abstractmethod
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        """Hook: carry out an operation that changes nothing.

        Args:
            collection: The collection as it was given.
            operation: Asks a store.
        """

    @abstractmethod
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        """Hook: carry out an operation that changes entries.

        Args:
            keys: The keys of the entries.
            collection: The collection as it was given.
            operation: Asks a store.
        """

    async def _claim(self, key: str, collection: str | None, operation: Operation[bool]) -> bool:
        """Hook: carry out a `put_if_absent`, of which one store alone can say who was first."""
        return await self._write([key], collection, operation)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        return await self._read(collection, lambda store: store.get(key, collection=collection))

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        return await self._read(collection, lambda store: store.ttl(key, collection=collection))

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        return await self._read(collection, lambda store: store.get_many(keys, collection=collection))

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        return await self._read(collection, lambda store: store.ttl_many(keys, collection=collection))

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        await self._write(
            [key], collection, lambda store: store.put(key, value, collection=collection, ttl=ttl)
        )

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        await self._write(
            keys, collection, lambda store: store.put_many(keys, values, collection=collection, ttl=ttl)
        )

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        return await self._write([key], collection, lambda store: store.delete(key, collection=collection))

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        return await self._write(
            keys, collection, lambda store: store.delete_many(keys, collection=collection)
        )

    @override
    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        return await self._read(
            collection, lambda store: cast("AsyncEnumerateKeysProtocol", store).keys(collection, limit=limit)
        )

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        return await self._write(
            [],
            collection,
            lambda store: cast("AsyncDestroyCollectionProtocol", store).destroy_collection(collection),
        )

    @override
    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        def claim(store: AsyncKeyValue) -> Awaitable[bool]:
            able = cast("AsyncPutIfAbsentProtocol", store)
            return able.put_if_absent(key, value, collection=collection, ttl=ttl)

        return await self._claim(key, collection, claim)
