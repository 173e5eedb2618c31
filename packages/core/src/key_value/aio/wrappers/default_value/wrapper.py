"""A wrapper that returns a default for missing keys."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.managed_entry import dump_to_json, load_from_json
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY


class DefaultValueWrapper(BaseWrapper):
    """A wrapper that returns a default for missing keys; the default is never stored.

    Writes are not affected: `delete` of a missing key returns False, `put_if_absent` stores a value, and
    `get_versioned` and `pop` return None, since a default has no version and cannot be removed. Wrappers
    outside of this one cannot distinguish a miss from a hit, so put one that counts them inside.
    """

    keeps = EVERY_ABILITY

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        default_value: Mapping[str, Any],
        default_ttl: TimeToLive | None = None,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            default_value: Value to return for a missing key, as a new copy each time.
            default_ttl: TTL that `ttl` returns with the default, in seconds or as a timedelta; None means
                that it never expires.

        Raises:
            SerializationError: The default is not JSON.
        """
        super().__init__(key_value)
        self._default_json = dump_to_json(dict(default_value))
        seconds = to_seconds(default_ttl)
        self._default_ttl = None if seconds is None else float(seconds)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any]:
        value = await super().get(key, collection=collection)
        return self._default() if value is None else value

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        return self._found(await super().ttl(key, collection=collection))

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        values = await super().get_many(keys, collection=collection)
        return [self._default() if value is None else value for value in values]

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        return [self._found(found) for found in await super().ttl_many(keys, collection=collection)]

    if TYPE_CHECKING:
        # `BaseWrapper` is typed for subclasses written for 0.5; its behaviour is right for this class.
        @override
        async def put(
            self,
            key: str,
            value: Mapping[str, Any],
            *,
            collection: str | None = None,
            ttl: TimeToLive | None = None,
        ) -> None: ...

        @override
        async def put_many(
            self,
            keys: Sequence[str],
            values: Sequence[Mapping[str, Any]],
            *,
            collection: str | None = None,
            ttl: TimeToLive | None = None,
        ) -> None: ...

    def _default(self) -> dict[str, Any]:
        return load_from_json(self._default_json)

    def _found(
        self, found: tuple[dict[str, Any] | None, float | None]
    ) -> tuple[dict[str, Any] | None, float | None]:
        return (self._default(), self._default_ttl) if found[0] is None else found
