"""Hooks that the optional methods of an adapter build on."""

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
        """Hook: return the adapted store."""

    @abstractmethod
    def _collection(self, collection: str | None) -> str | None:
        """Hook: return the collection to use for the caller's `collection` argument, which may be None."""

    @abstractmethod
    def _encode(self, value: T) -> Mapping[str, Any]:
        """Hook: return the mapping to store for a value."""

    @abstractmethod
    def _decode(self, stored: dict[str, Any]) -> T | None:
        """Hook: return the value of a stored mapping; None if it is not of the type."""

    @abstractmethod
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        """Hook: return the values of several keys."""
