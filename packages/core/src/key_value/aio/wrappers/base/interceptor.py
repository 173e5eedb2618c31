"""The base of wrappers that do something around every operation and leave the data alone."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, SupportsFloat, TypeVar

from typing_extensions import override

from key_value.aio.wrappers.base.wrapper import BaseWrapper

T = TypeVar("T")


class Call(NamedTuple):
    """One operation on its way to a store."""

    operation: str
    """The name of the method: `get`, `put_many`, `keys`, ..."""
    collection: str | None = None
    """The collection as it was given."""
    keys: Sequence[str] = ()
    """The keys, one for the operations of one key."""
    values: Sequence[Mapping[str, Any]] = ()
    """The values, for those that store some."""
    ttl: SupportsFloat | None = None
    """The time to live in seconds, for those that take one."""


HITS: Mapping[str, Callable[[Any], int]] = {
    "get": lambda value: int(value is not None),
    "ttl": lambda found: int(found[0] is not None),
    "get_many": lambda values: sum(value is not None for value in values),
    "ttl_many": lambda found: sum(value is not None for value, _ in found),
}
"""How many of its keys each operation that reads has found, by its result."""


class Interceptor(BaseWrapper):
    """A wrapper that does something around every operation: it writes `_around`, once for all of them."""

    @abstractmethod
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        """Hook: carry an operation out.

        Args:
            call: What was asked for.
            proceed: Passes it on; it may be awaited again, or not at all.
        """

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        proceed = partial(self.key_value.get, key, collection=collection)
        return await self._around(Call("get", collection, (key,)), proceed)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        proceed = partial(self.key_value.ttl, key, collection=collection)
        return await self._around(Call("ttl", collection, (key,)), proceed)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        proceed = partial(self.key_value.put, key, value, collection=collection, ttl=ttl)
        await self._around(Call("put", collection, (key,), (value,), ttl), proceed)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        proceed = partial(self.key_value.delete, key, collection=collection)
        return await self._around(Call("delete", collection, (key,)), proceed)

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        proceed = partial(self.key_value.get_many, keys, collection=collection)
        return await self._around(Call("get_many", collection, keys), proceed)

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        proceed = partial(self.key_value.ttl_many, keys, collection=collection)
        return await self._around(Call("ttl_many", collection, keys), proceed)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        proceed = partial(self.key_value.put_many, keys, values, collection=collection, ttl=ttl)
        await self._around(Call("put_many", collection, keys, values, ttl), proceed)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        proceed = partial(self.key_value.delete_many, keys, collection=collection)
        return await self._around(Call("delete_many", collection, keys), proceed)

    @override
    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        return await self._around(Call("keys", collection), partial(super()._keys, collection, limit=limit))

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        return await self._around(Call("collections"), partial(super()._collections, limit=limit))

    @override
    async def _destroy(self) -> bool:
        return await self._around(Call("destroy"), super()._destroy)

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        proceed = partial(super()._destroy_collection, collection)
        return await self._around(Call("destroy_collection", collection), proceed)

    @override
    async def _cull(self) -> None:
        await self._around(Call("cull"), super()._cull)

    @override
    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        proceed = partial(super()._put_if_absent, key, value, collection=collection, ttl=ttl)
        return await self._around(Call("put_if_absent", collection, (key,), (value,), ttl), proceed)
