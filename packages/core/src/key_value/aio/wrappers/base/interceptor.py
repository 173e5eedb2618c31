"""The base class of wrappers that do something around every operation and leave the data unchanged."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, SupportsFloat, TypeVar, cast

from typing_extensions import override

from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.protocols.abilities import ABILITIES, Ability, TimeToLive
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments
from key_value.aio.wrappers.base.wrapper import BaseWrapper

T = TypeVar("T")


class Call(NamedTuple):
    """An operation on its way to a store."""

    operation: str
    """Name of the method: `get`, `put_many`, `keys`, ..."""
    collection: str | None = None
    """Collection, as the caller passed it."""
    keys: Sequence[str] = ()
    """Keys; a single one for operations on one key."""
    values: Sequence[Mapping[str, Any]] = ()
    """Values, for operations that store values."""
    ttl: SupportsFloat | None = None
    """TTL in seconds, converted from a timedelta if necessary, for operations that take one."""


# `Call(...)` runs Python code, which would slow down each operation of each interceptor.
_call: Callable[[type[Call], tuple[object, ...]], Call] = cast("Any", tuple).__new__


def _found(result: object) -> int:
    return int(result is not None)


HITS: Mapping[str, Callable[[Any], int]] = {
    "get": _found,
    "ttl": lambda found: int(found[0] is not None),
    "get_many": lambda values: sum(value is not None for value in values),
    "ttl_many": lambda found: sum(value is not None for value, _ in found),
    **{ability.method: _found for ability in ABILITIES if ability.gives in ("value", "versioned")},
}
"""Functions that count the keys found, from the result of each operation that returns values."""


class Interceptor(BaseWrapper):
    """A wrapper that does something around every operation: it overrides `_around` once for all of them."""

    keeps = EVERY_ABILITY

    @abstractmethod
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        """Hook: perform an operation.

        Args:
            call: The operation and its arguments.
            proceed: Passes the operation on; it may be awaited several times, or not at all.
        """

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        proceed = partial(self.key_value.get, key, collection=collection)
        return await self._around(_call(Call, ("get", collection, (key,), (), None)), proceed)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        proceed = partial(self.key_value.ttl, key, collection=collection)
        return await self._around(_call(Call, ("ttl", collection, (key,), (), None)), proceed)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        ttl = to_seconds(ttl)
        proceed = partial(self.key_value.put, key, value, collection=collection, ttl=ttl)
        await self._around(_call(Call, ("put", collection, (key,), (value,), ttl)), proceed)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        proceed = partial(self.key_value.delete, key, collection=collection)
        return await self._around(_call(Call, ("delete", collection, (key,), (), None)), proceed)

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
        ttl: TimeToLive | None = None,
    ) -> None:
        ttl = to_seconds(ttl)
        proceed = partial(self.key_value.put_many, keys, values, collection=collection, ttl=ttl)
        await self._around(Call("put_many", collection, keys, values, ttl), proceed)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        proceed = partial(self.key_value.delete_many, keys, collection=collection)
        return await self._around(Call("delete_many", collection, keys), proceed)

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        call = Call(
            ability.method,
            arguments.get("collection"),
            (arguments["key"],) if "key" in arguments else (),
            (arguments["value"],) if "value" in arguments else (),
            arguments.get("ttl"),
        )
        return await self._around(call, partial(super()._call_ability, ability, arguments))
