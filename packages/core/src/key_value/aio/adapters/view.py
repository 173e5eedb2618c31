"""The hooks that the abilities of an adapter build on."""

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
        """Hook: return the store that is adapted."""

    @abstractmethod
    def _collection(self, collection: str | None) -> str | None:
        """Hook: return the collection to use for the one that the caller named, or None."""

    @abstractmethod
    def _encode(self, value: T) -> Mapping[str, Any]:
        """Hook: return what to store for a value."""

    @abstractmethod
    def _decode(self, stored: dict[str, Any]) -> T | None:
        """Hook: return the value that was stored; None if it is not of the type."""

    @abstractmethod
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        """Hook: return the values of several keys."""
