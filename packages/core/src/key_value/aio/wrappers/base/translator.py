"""The base class of wrappers that store data in another form and translate it back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, SupportsFloat

from typing_extensions import override

from key_value.aio._utils.arguments import (
    check_key,
    check_keys,
    check_limit,
    check_value,
    check_values,
)
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.protocols.abilities import Ability, AsyncScanProtocol, Page, TimeToLive, Versioned
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.protocols.paging import pages
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments
from key_value.aio.wrappers.base.wrapper import BaseWrapper

KEYS_PER_PAGE = 1000
"""Number of keys to read at a time if only some of them are the wrapper's."""


class Translator(BaseWrapper):
    """A wrapper that translates keys, collections, values or TTLs, through the hooks that it overrides.

    Listed names are translated back, without those that the wrapper did not store. Values are translated by
    coroutines, since work on a large value belongs in a thread. The hooks receive resolved names: a
    collection is None only if the caller did not name one and the wrapped store does not report its default
    collection.
    """

    keeps = EVERY_ABILITY

    # Awaiting coroutines that change nothing would slow down every read and write of values.
    __decodes = __encodes = True

    @override
    def _wrap(self, *wrapped: AsyncKeyValue) -> None:
        super()._wrap(*wrapped)
        cls = type(self)
        self.__decodes = cls._decode_value is not Translator._decode_value
        self.__encodes = cls._encode_value is not Translator._encode_value

    def _encode_key(self, key: str) -> str:
        """Hook: return the key to use in the wrapped store."""
        return key

    def _decode_key(self, key: str) -> str | None:
        """Hook: return the original of a stored key; None if this wrapper did not encode it."""
        return key

    def _encode_key_in(self, key: str, collection: str | None) -> str:
        """Hook: return the key to use in the wrapped store, if that depends on the collection."""
        return self._encode_key(key)

    def _decode_key_in(self, key: str, collection: str | None) -> str | None:
        """Hook: return the original of a key that `_encode_key_in` encoded, or None."""
        return self._decode_key(key)

    def _encode_prefix(self, prefix: str, collection: str | None) -> str:
        """Hook: return a prefix shared by all encoded keys with this prefix; "" is always correct."""
        return prefix if self._leaves_keys_alone() else ""

    def _encode_collection(self, collection: str | None) -> str | None:
        """Hook: return the collection to use in the wrapped store."""
        return collection

    def _decode_collection(self, collection: str) -> str | None:
        """Hook: return the original of a stored collection; None if this wrapper did not encode it."""
        return collection

    async def _encode_value(
        self, value: Mapping[str, Any], *, collection: str | None, key: str
    ) -> Mapping[str, Any]:
        """Hook: return the value to store for a key; collection and key are the caller's names."""
        return value

    async def _decode_value(
        self, value: dict[str, Any], *, collection: str | None, key: str
    ) -> dict[str, Any] | None:
        """Hook: return the original of a stored value; None makes it a miss."""
        return value

    def _ttl(self, ttl: SupportsFloat | None) -> SupportsFloat | None:
        """Hook: return the TTL, in seconds, to use in the wrapped store."""
        return ttl

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        key, name = check_key(key), self._collection_name(collection)
        value = await self.key_value.get(
            self._encode_key_in(key, name), collection=self._encode_collection(name)
        )
        if value is None or not self.__decodes:
            return value
        return await self._decode_value(value, collection=name, key=key)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        key, name = check_key(key), self._collection_name(collection)
        found = await self.key_value.ttl(
            self._encode_key_in(key, name), collection=self._encode_collection(name)
        )
        return await self._decode_found(found, name, key)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        key, name = check_key(key), self._collection_name(collection)
        check_value(value)
        if self.__encodes:
            value = await self._encode_value(value, collection=name, key=key)
        await self.key_value.put(
            self._encode_key_in(key, name),
            value,
            collection=self._encode_collection(name),
            ttl=self._ttl(to_seconds(ttl)),
        )

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        key, name = check_key(key), self._collection_name(collection)
        return await self.key_value.delete(
            self._encode_key_in(key, name), collection=self._encode_collection(name)
        )

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        keys, name = check_keys(keys), self._collection_name(collection)
        values = await self.key_value.get_many(
            self._encode_keys(keys, name), collection=self._encode_collection(name)
        )
        return [
            None if value is None else await self._decode_value(value, collection=name, key=key)
            for key, value in zip(keys, values, strict=True)
        ]

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        keys, name = check_keys(keys), self._collection_name(collection)
        found = await self.key_value.ttl_many(
            self._encode_keys(keys, name), collection=self._encode_collection(name)
        )
        return [await self._decode_found(entry, name, key) for key, entry in zip(keys, found, strict=True)]

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        keys, name = check_keys(keys), self._collection_name(collection)
        check_values(keys, values)
        await self.key_value.put_many(
            self._encode_keys(keys, name),
            [
                await self._encode_value(value, collection=name, key=key)
                for key, value in zip(keys, values, strict=True)
            ],
            collection=self._encode_collection(name),
            ttl=self._ttl(to_seconds(ttl)),
        )

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        keys, name = check_keys(keys), self._collection_name(collection)
        return await self.key_value.delete_many(
            self._encode_keys(keys, name), collection=self._encode_collection(name)
        )

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        given = {**arguments}
        name = self._collection_name(given.get("collection"))
        if ability.gives == "keys" and self._can_scan_for(given["limit"]):
            return await self._scan_keys(name, given["limit"])
        if (
            ability.method == "pop"
            and self.__decodes
            and await self.get(given["key"], collection=name) is None
        ):
            # Nothing to pop, or a value that cannot be decoded and therefore stays.
            return None
        encoded = await self._encode_arguments(ability, given, name)
        result = await super()._call_ability(ability, encoded)
        return await self._decode_result(ability, result, given, name)

    def _can_scan_for(self, limit: int | None) -> bool:
        """Return whether `limit` keys can be found without listing the collection, which may hold others."""
        check_limit(limit)
        return (
            limit is not None
            and not self._leaves_keys_alone()
            and isinstance(self.key_value, AsyncScanProtocol)
        )

    async def _scan_keys(self, collection: str | None, limit: int) -> list[str]:
        prefix, keys = self._encode_prefix("", collection), list[str]()
        size = min(limit, KEYS_PER_PAGE) if prefix else KEYS_PER_PAGE
        if limit:
            stored = self._encode_collection(collection)
            async for page in pages(self.key_value, stored, prefix=prefix, size=size):
                keys += self._decode_keys(page, collection)
                if len(keys) >= limit:
                    break
        return keys[:limit]

    async def _encode_arguments(
        self, ability: Ability, given: dict[str, Any], collection: str | None
    ) -> dict[str, Any]:
        encoded = {**given}
        if (stored := self._encode_collection(collection)) is not None and "collection" in given:
            encoded["collection"] = stored
        if "key" in given:
            given["key"] = check_key(given["key"])
            encoded["key"] = self._encode_key_in(given["key"], collection)
        if "value" in given:
            check_value(given["value"])
            encoded["value"] = await self._encode_value(
                given["value"], collection=collection, key=given["key"]
            )
        if "ttl" in given:
            encoded["ttl"] = self._ttl(given["ttl"])
        if "prefix" in given:
            given["prefix"] = check_key(given["prefix"])
            encoded["prefix"] = self._encode_prefix(given["prefix"], collection)
        if ability.gives == "collections" or (ability.gives == "keys" and not self._leaves_keys_alone()):
            check_limit(given["limit"])
            encoded["limit"] = None
        return encoded

    async def _decode_result(
        self, ability: Ability, result: Any, given: Arguments, collection: str | None
    ) -> Any:
        if ability.gives in ("value", "versioned"):
            return await self._decode_entry(result, collection, given["key"])
        if ability.gives == "page":
            keys = self._decode_keys(result.keys, collection)
            return Page([key for key in keys if key.startswith(given["prefix"])], result.cursor)
        if ability.gives == "keys":
            return self._decode_keys(result, collection)[: given["limit"]]
        if ability.gives == "collections":
            names = (self._decode_collection(stored) for stored in result)
            return [name for name in names if name is not None][: given["limit"]]
        return result

    async def _decode_entry(
        self, stored: dict[str, Any] | Versioned[dict[str, Any]] | None, collection: str | None, key: str
    ) -> dict[str, Any] | Versioned[dict[str, Any]] | None:
        if stored is None:
            return None
        if isinstance(stored, Versioned):
            value = await self._decode_value(stored.value, collection=collection, key=key)
            return None if value is None else replace(stored, value=value)
        return await self._decode_value(stored, collection=collection, key=key)

    def _decode_keys(self, stored: Sequence[str], collection: str | None) -> list[str]:
        keys = (self._decode_key_in(key, collection) for key in stored)
        return [key for key in keys if key is not None]

    def _encode_keys(self, keys: Sequence[str], collection: str | None) -> list[str]:
        return [self._encode_key_in(key, collection) for key in keys]

    def _leaves_keys_alone(self) -> bool:
        """Return whether no key is renamed or hidden, so that the wrapped store can apply limits itself."""
        hooks = Translator._decode_key, Translator._decode_key_in
        return (type(self)._decode_key, type(self)._decode_key_in) == hooks

    async def _decode_found(
        self, found: tuple[dict[str, Any] | None, float | None], collection: str | None, key: str
    ) -> tuple[dict[str, Any] | None, float | None]:
        value, seconds = found
        if value is not None:
            value = await self._decode_value(value, collection=collection, key=key)
        return (None, None) if value is None else (value, seconds)
