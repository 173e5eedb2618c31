"""A wrapper that rejects or ignores writes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_keys, check_values, warns_on_wrong_types
from key_value.aio._utils.time_to_live import prepare_ttl
from key_value.aio.errors import ReadOnlyError
from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Call, Interceptor

T = TypeVar("T")

_NOTHING_DONE: Mapping[str, Any] = {"put": None, "put_many": None, "delete": False, "delete_many": 0}


class ReadOnlyWrapper(Interceptor):
    """A wrapper that rejects writes, or optionally ignores them.

    Drops `put_if_absent`, `pop`, `touch`, `cull`, `destroy`, `destroy_collection`, and `get_versioned` with
    `put_if_version` and `delete_if_version`: all of them write.
    """

    drops = frozenset(ability.protocol for ability in ABILITIES if ability.effect != "read")

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, raise_on_write: bool = True) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            raise_on_write: Whether a write raises `ReadOnlyError`. If False, writes do nothing, `delete`
                returns False and `delete_many` returns 0.
        """
        super().__init__(key_value)
        self.raise_on_write = raise_on_write

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        if call.operation not in _NOTHING_DONE:
            return await proceed()
        keys, collection = check_keys(call.keys), check_collection(call.collection)
        if call.operation.startswith("put"):
            check_values(keys, call.values)
            prepare_ttl(call.ttl)
        if self.raise_on_write:
            many = call.operation.endswith("_many")
            key = f"{len(keys)} keys" if many else keys[0]
            raise ReadOnlyError(operation=call.operation, collection=collection, key=key)
        return _NOTHING_DONE[call.operation]
