"""The hooks that the abilities of an adapter are made of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from key_value.aio.protocols.key_value import AsyncKeyValue

T = TypeVar("T")


class View(ABC, Generic[T]):
    """A typed view of a store."""

    __slots__ = ()

    @abstractmethod
    def _store(self) -> AsyncKeyValue:
        """Hook: the store that is adapted."""

    @abstractmethod
    def _collection(self, collection: str | None) -> str | None:
        """Hook: the collection to use where this one was named."""

    @abstractmethod
    def _encode(self, value: T) -> Mapping[str, Any]:
        """Hook: what to store for a value."""

    @abstractmethod
    def _decode(self, stored: dict[str, Any]) -> T | None:
        """Hook: the value that was stored; None if it is not of the type."""

    @abstractmethod
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        """Hook: the values of several keys."""
