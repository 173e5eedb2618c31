"""A view of a store whose misses can raise errors."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from typing_extensions import override

from key_value.aio._utils.arguments import check_store
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.adapters.abilities import AbilitiesOfStore
from key_value.aio.errors import MissingKeyError
from key_value.aio.protocols.extending import plain_class
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive

Value = dict[str, Any]
ValueAndTTL = tuple[Value | None, float | None]


class RaiseOnMissingAdapter(AbilitiesOfStore[Mapping[str, Any]]):
    """A view of a store that raises `MissingKeyError` for a missing key on request."""

    def __init__(self, key_value: AsyncKeyValue) -> None:
        """Adapt a store.

        Args:
            key_value: Store to adapt.
        """
        check_store(key_value, type(self))
        self.key_value = key_value
        self._adapt(key_value)

    @override
    def __repr__(self) -> str:
        return f"{plain_class(type(self)).__name__}({self.key_value!r})"

    @overload
    async def get(
        self, key: str, *, collection: str | None = None, raise_on_missing: Literal[True]
    ) -> Value: ...

    @overload
    async def get(
        self, key: str, *, collection: str | None = None, raise_on_missing: bool = False
    ) -> Value | None: ...

    async def get(
        self, key: str, *, collection: str | None = None, raise_on_missing: bool = False
    ) -> Value | None:
        """Read one value.

        Args:
            key: Key of the entry.
            collection: Collection to read from.
            raise_on_missing: Whether a miss raises an error.

        Raises:
            MissingKeyError: The key is missing, and `raise_on_missing` is True.
        """
        value = await self.key_value.get(key, collection=collection)
        if raise_on_missing and value is None:
            raise MissingKeyError(operation="get", collection=collection, key=key)
        return value

    @overload
    async def ttl(
        self, key: str, *, collection: str | None = None, raise_on_missing: Literal[True]
    ) -> tuple[Value, float | None]: ...

    @overload
    async def ttl(
        self, key: str, *, collection: str | None = None, raise_on_missing: bool = False
    ) -> ValueAndTTL: ...

    async def ttl(
        self, key: str, *, collection: str | None = None, raise_on_missing: bool = False
    ) -> ValueAndTTL:
        """Read one value and its remaining seconds to live.

        Args:
            key: Key of the entry.
            collection: Collection to read from.
            raise_on_missing: Whether a miss raises an error.

        Raises:
            MissingKeyError: The key is missing, and `raise_on_missing` is True.
        """
        found = await self.key_value.ttl(key, collection=collection)
        if raise_on_missing and found[0] is None:
            raise MissingKeyError(operation="ttl", collection=collection, key=key)
        return found

    @overload
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: Literal[True]
    ) -> list[Value]: ...

    @overload
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: bool = False
    ) -> list[Value | None]: ...

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: bool = False
    ) -> list[Value] | list[Value | None]:
        """Read several values.

        Args:
            keys: Keys of the entries.
            collection: Collection to read from.
            raise_on_missing: Whether a miss raises an error.

        Raises:
            MissingKeyError: A key is missing, and `raise_on_missing` is True; the error names the first.
        """
        values = await self.key_value.get_many(keys, collection=collection)
        if raise_on_missing:
            _require(values, "get_many", collection, keys)
        return values

    @overload
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: Literal[True]
    ) -> list[tuple[Value, float | None]]: ...

    @overload
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: bool = False
    ) -> list[ValueAndTTL]: ...

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None, raise_on_missing: bool = False
    ) -> list[tuple[Value, float | None]] | list[ValueAndTTL]:
        """Read several values and their remaining seconds to live.

        Args:
            keys: Keys of the entries.
            collection: Collection to read from.
            raise_on_missing: Whether a miss raises an error.

        Raises:
            MissingKeyError: A key is missing, and `raise_on_missing` is True; the error names the first.
        """
        found = await self.key_value.ttl_many(keys, collection=collection)
        if raise_on_missing:
            _require([value for value, _ in found], "ttl_many", collection, keys)
        return found

    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        """Store one value, with the arguments of the store's `put`."""
        await self.key_value.put(key, value, collection=collection, ttl=to_seconds(ttl))

    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        """Store several values, with the arguments of the store's `put_many`."""
        await self.key_value.put_many(keys, values, collection=collection, ttl=to_seconds(ttl))

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Remove one entry and return whether it existed."""
        return await self.key_value.delete(key, collection=collection)

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        """Remove several entries and return how many existed."""
        return await self.key_value.delete_many(keys, collection=collection)

    @override
    def _store(self) -> AsyncKeyValue:
        return self.key_value

    @override
    def _collection(self, collection: str | None) -> str | None:
        return collection

    @override
    def _encode(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return value

    @override
    def _decode(self, stored: Value) -> Value:
        return stored

    @override
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[Value | None]:
        return await self.get_many(keys, collection=collection)


def _require(
    values: Sequence[Value | None], operation: str, collection: str | None, keys: Sequence[str]
) -> None:
    for key, value in zip(keys, values, strict=True):
        if value is None:
            raise MissingKeyError(operation=operation, collection=collection, key=key)
