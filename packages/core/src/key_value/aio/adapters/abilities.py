"""What an adapter can do where its store can: list keys, walk through values, store what is absent."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, SupportsFloat, TypeVar, cast

from key_value.aio.protocols.key_value import (
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPutIfAbsentProtocol,
)

T = TypeVar("T")

VALUES_AT_A_TIME = 100

_NEEDS: Mapping[str, type] = {
    "items": AsyncEnumerateKeysProtocol,
    "keys": AsyncEnumerateKeysProtocol,
    "put_if_absent": AsyncPutIfAbsentProtocol,
}


class AbilitiesOfStore(ABC, Generic[T]):
    """An adapter has `keys`, `items` and `put_if_absent` only where its store has what they need."""

    if TYPE_CHECKING:

        async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
            """List keys, where the store can.

            Args:
                collection: The collection to list.
                limit: List so many at most; None lists all.
            """
            ...

        def items(self, collection: str | None = None) -> AsyncIterator[tuple[str, T]]:
            """Walk through keys and values, where the store can list keys: `async for key, value in ...`.

            What is missing by the time it is read, or not of the type, is left out.

            Args:
                collection: The collection to walk through.
            """
            ...

        async def put_if_absent(
            self, key: str, value: T, *, collection: str | None = None, ttl: SupportsFloat | None = None
        ) -> bool:
            """Store a value unless the key has one, where the store can.

            Args:
                key: The key.
                value: The value.
                collection: The collection to store in.
                ttl: Seconds to live; None means for ever.

            Returns:
                True only if this call stored the value.
            """
            ...

    else:

        def __getattr__(self, name: str) -> Any:
            needed = _NEEDS.get(name)
            if needed is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            store = self._store()
            if not isinstance(store, needed):
                raise AttributeError(
                    f"{type(self).__name__} has no {name}: {type(store).__name__} cannot do it"
                )
            return getattr(self, f"_{name}")

    @abstractmethod
    def _store(self) -> AsyncKeyValue:
        """Hook: the store that is adapted."""

    @abstractmethod
    def _collection(self, collection: str | None) -> str | None:
        """Hook: the collection to use where this one was named."""

    @abstractmethod
    def _stored(self, value: T) -> Mapping[str, Any]:
        """Hook: what to store for a value."""

    @abstractmethod
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        """Hook: the values of several keys."""

    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        store = cast("AsyncEnumerateKeysProtocol", self._store())
        return await store.keys(self._collection(collection), limit=limit)

    async def _items(self, collection: str | None = None) -> AsyncIterator[tuple[str, T]]:
        keys = await self._keys(collection)
        for start in range(0, len(keys), VALUES_AT_A_TIME):
            some = keys[start : start + VALUES_AT_A_TIME]
            for key, value in zip(some, await self._values(some, collection), strict=True):
                if value is not None:
                    yield key, value

    async def _put_if_absent(
        self, key: str, value: T, *, collection: str | None = None, ttl: SupportsFloat | None = None
    ) -> bool:
        store = cast("AsyncPutIfAbsentProtocol", self._store())
        return await store.put_if_absent(
            key, self._stored(value), collection=self._collection(collection), ttl=ttl
        )
