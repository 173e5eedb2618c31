"""A wrapper that limits the size of values."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from typing_extensions import override

from key_value.aio._utils.arguments import (
    check_collection,
    check_key,
    check_keys,
    check_value,
    check_values,
    warns_on_wrong_types,
)
from key_value.aio._utils.managed_entry import estimate_serialized_size
from key_value.aio._utils.time_to_live import prepare_ttl
from key_value.aio.errors import EntryTooLargeError, EntryTooSmallError
from key_value.aio.protocols.abilities import Ability, AsyncCompareAndSetProtocol, TimeToLive
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments


class LimitSizeWrapper(BaseWrapper):
    """A wrapper that rejects values that are too large or too small, or optionally does not store them.

    The size is that of the value alone as JSON text, with sorted keys and non-ASCII characters escaped. If a
    value is not stored, the entry is deleted, since its previous value would be stale. So `put_if_version`
    with such a value deletes the entry if it still has the version, and returns None.
    """

    keeps = EVERY_ABILITY

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        *,
        min_size: int | None = None,
        max_size: int | None = None,
        raise_on_too_small: bool = False,
        raise_on_too_large: bool = True,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            min_size: Minimum size of a value, in bytes; None sets no limit.
            max_size: Maximum size of a value, in bytes; None sets no limit.
            raise_on_too_small: Whether to raise `EntryTooSmallError` and keep the previous value.
            raise_on_too_large: Whether to raise `EntryTooLargeError` and keep the previous value.
        """
        super().__init__(key_value)
        self.min_size = min_size
        self.max_size = max_size
        self.raise_on_too_small = raise_on_too_small
        self.raise_on_too_large = raise_on_too_large

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        key, collection = check_key(key), check_collection(collection)
        check_value(value)
        seconds = prepare_ttl(ttl)
        if self._fits(value, collection, key):
            await super().put(key, value, collection=collection, ttl=seconds)
        else:
            await super().delete(key, collection=collection)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        keys, collection = check_keys(keys), check_collection(collection)
        check_values(keys, values)
        seconds = prepare_ttl(ttl)
        last = dict(zip(keys, values, strict=True))
        fitting = {key: value for key, value in last.items() if self._fits(value, collection, key)}
        if unfit := [key for key in last if key not in fitting]:
            await super().delete_many(unfit, collection=collection)
        await super().put_many(list(fitting), list(fitting.values()), collection=collection, ttl=seconds)

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if "value" not in arguments:
            return await super()._call_ability(ability, arguments)
        key, value = check_key(arguments["key"]), arguments["value"]
        collection = check_collection(arguments["collection"])
        check_value(value)
        prepare_ttl(arguments["ttl"])
        if self._fits(value, collection, key):
            return await super()._call_ability(ability, arguments)
        if "version" in arguments:
            store = cast("AsyncCompareAndSetProtocol", self.key_value)
            await store.delete_if_version(key, version=arguments["version"], collection=collection)
        return None if ability.gives == "version" else False

    def _fits(self, value: Mapping[str, Any], collection: str | None, key: str) -> bool:
        size = estimate_serialized_size(value)
        if self.min_size is not None and size < self.min_size:
            if self.raise_on_too_small:
                raise EntryTooSmallError(size=size, min_size=self.min_size, collection=collection, key=key)
            return False
        if self.max_size is not None and size > self.max_size:
            if self.raise_on_too_large:
                raise EntryTooLargeError(size=size, max_size=self.max_size, collection=collection, key=key)
            return False
        return True
