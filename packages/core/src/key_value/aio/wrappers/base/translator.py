"""The base of wrappers that store something else than they are given, and give back what they were given."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

from typing_extensions import override

from key_value.aio._utils.arguments import check_key, check_keys, check_limit, check_value, check_values
from key_value.aio.protocols.key_value import AsyncDestroyStoreProtocol
from key_value.aio.wrappers.base.wrapper import BaseWrapper


class Translator(BaseWrapper):
    """A wrapper that translates keys, collections, values or times to live, by the hooks that it writes.

    What it lists is translated back, without what it did not store. Values are translated by coroutines,
    since work on a large one belongs in a thread.
    """

    keeps = frozenset({AsyncDestroyStoreProtocol})

    def _encode_key(self, key: str) -> str:
        """Hook: the key to use in the wrapped store."""
        return key

    def _decode_key(self, key: str) -> str | None:
        """Hook: the key that was encoded, or None where it was not encoded here."""
        return key

    def _encode_key_in(self, key: str, collection: str | None) -> str:
        """Hook: the key to use, for a wrapper to which the collection matters."""
        return self._encode_key(key)

    def _decode_key_in(self, key: str, collection: str | None) -> str | None:
        """Hook: what `_encode_key_in` encoded, or None."""
        return self._decode_key(key)

    def _encode_collection(self, collection: str | None) -> str | None:
        """Hook: the collection to use in the wrapped store."""
        return collection

    def _decode_collection(self, collection: str) -> str | None:
        """Hook: the collection that was encoded, or None where it was not encoded here."""
        return collection

    async def _encode_value(
        self, value: Mapping[str, Any], *, collection: str | None, key: str
    ) -> Mapping[str, Any]:
        """Hook: the value to store for a key, both as the caller names them."""
        return value

    async def _decode_value(
        self, value: dict[str, Any], *, collection: str | None, key: str
    ) -> dict[str, Any] | None:
        """Hook: the value that was encoded; None makes it a miss."""
        return value

    def _ttl(self, ttl: SupportsFloat | None) -> SupportsFloat | None:
        """Hook: the seconds to live in the wrapped store."""
        return ttl

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        check_key(key)
        value = await self.key_value.get(
            self._encode_key_in(key, collection), collection=self._encode_collection(collection)
        )
        return None if value is None else await self._decode_value(value, collection=collection, key=key)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        check_key(key)
        found = await self.key_value.ttl(
            self._encode_key_in(key, collection), collection=self._encode_collection(collection)
        )
        return await self._decode_found(found, collection, key)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        check_key(key)
        check_value(value)
        await self.key_value.put(
            self._encode_key_in(key, collection),
            await self._encode_value(value, collection=collection, key=key),
            collection=self._encode_collection(collection),
            ttl=self._ttl(ttl),
        )

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        check_key(key)
        return await self.key_value.delete(
            self._encode_key_in(key, collection), collection=self._encode_collection(collection)
        )

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        check_keys(keys)
        values = await self.key_value.get_many(
            self._encode_keys(keys, collection),
            collection=self._encode_collection(collection),
        )
        return [
            None if value is None else await self._decode_value(value, collection=collection, key=key)
            for key, value in zip(keys, values, strict=True)
        ]

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        check_keys(keys)
        found = await self.key_value.ttl_many(
            self._encode_keys(keys, collection),
            collection=self._encode_collection(collection),
        )
        return [
            await self._decode_found(entry, collection, key) for key, entry in zip(keys, found, strict=True)
        ]

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        check_keys(keys)
        check_values(keys, values)
        await self.key_value.put_many(
            self._encode_keys(keys, collection),
            [
                await self._encode_value(value, collection=collection, key=key)
                for key, value in zip(keys, values, strict=True)
            ],
            collection=self._encode_collection(collection),
            ttl=self._ttl(ttl),
        )

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        check_keys(keys)
        return await self.key_value.delete_many(
            self._encode_keys(keys, collection),
            collection=self._encode_collection(collection),
        )

    @override
    async def _keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        encoded = self._encode_collection(collection)
        if self._leaves_keys_alone():
            return await super()._keys(encoded, limit=limit)
        decoded = (self._decode_key_in(key, collection) for key in await super()._keys(encoded))
        return [key for key in decoded if key is not None][:limit]

    @override
    async def _collections(self, *, limit: int | None = None) -> list[str]:
        check_limit(limit)
        stored = await super()._collections()
        return [name for name in map(self._decode_collection, stored) if name is not None][:limit]

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        return await super()._destroy_collection(self._encode_collection(collection) or collection)

    @override
    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        check_key(key)
        check_value(value)
        return await super()._put_if_absent(
            self._encode_key_in(key, collection),
            await self._encode_value(value, collection=collection, key=key),
            collection=self._encode_collection(collection),
            ttl=self._ttl(ttl),
        )

    def _encode_keys(self, keys: Sequence[str], collection: str | None) -> list[str]:
        return [self._encode_key_in(key, collection) for key in keys]

    def _leaves_keys_alone(self) -> bool:
        """Whether it renames none and hides none, so that the store may count them."""
        hooks = Translator._decode_key, Translator._decode_key_in
        return (type(self)._decode_key, type(self)._decode_key_in) == hooks

    async def _decode_found(
        self, found: tuple[dict[str, Any] | None, float | None], collection: str | None, key: str
    ) -> tuple[dict[str, Any] | None, float | None]:
        value, seconds = found
        if value is not None:
            value = await self._decode_value(value, collection=collection, key=key)
        return (None, None) if value is None else (value, seconds)
