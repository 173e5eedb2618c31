"""Re-encrypt values that are still encrypted with an old key."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, cast

from typing_extensions import override

from key_value.aio.protocols.abilities import Ability, AsyncCompareAndSetProtocol
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive
from key_value.aio.protocols.paging import pages
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY, Arguments
from key_value.aio.wrappers.base.locks import locks_of
from key_value.aio.wrappers.encryption.envelope import KEY_ID
from key_value.aio.wrappers.encryption.sealing import SealingWrapper

KEYS_AT_A_TIME = 100

_WHOLE_STORE = None
"""Lock held next to an address and a collection, so that no rotation runs while the store is destroyed."""


class RotatingWrapper(SealingWrapper):
    """A wrapper that records the key of each value, and can re-encrypt values under the current key.

    If the store has no versions, locks keep writes through wrappers of this kind and rotations apart.
    """

    keeps = EVERY_ABILITY

    def __init__(
        self,
        key_value: AsyncKeyValue,
        *,
        key_id: str,
        raise_on_decryption_error: bool,
        allow_plaintext: bool,
    ) -> None:
        super().__init__(
            key_value, raise_on_decryption_error=raise_on_decryption_error, allow_plaintext=allow_plaintext
        )
        self.key_id = key_id

    @override
    def _wrap(self, *wrapped: AsyncKeyValue) -> None:
        super()._wrap(*wrapped)
        self._has_versions = isinstance(self.key_value, AsyncCompareAndSetProtocol)
        self._locks = locks_of(self.key_value)

    async def rotate(self, collection: str | None = None) -> int:
        """Encrypt values with the current key if they use another; call it again if it was interrupted.

        TTLs are preserved. How concurrent writes are handled depends on the store:

        - If it has `put_if_version`, no write is lost, whatever process it comes from.
        - Otherwise, a write through a wrapper of this kind around the same store object waits for the
          rotation, and is kept. Writes of other processes are not detected, and may be replaced by the
          previous value. So rotate once these processes have the new key, while they do not write.

        A store that has `scan` is read page by page.

        Args:
            collection: Collection to rotate.

        Returns:
            The number of values that were encrypted again.

        Raises:
            TypeError: The store cannot list its keys.
            DecryptionError: A value cannot be decrypted; those before it have been rotated.
        """
        name = self._collection_name(collection)
        rotate_one = self._rotate_by_version if self._has_versions else self._rotate_by_lock
        rotated = 0
        async for keys in pages(self.key_value, name, size=KEYS_AT_A_TIME):
            values = await self.key_value.get_many(keys, collection=name)
            for key, stored in zip(keys, values, strict=True):
                if stored is not None and self._is_old(stored):
                    rotated += await rotate_one(key, name)
        return rotated

    async def _rotate_by_version(self, key: str, collection: str | None) -> bool:
        store = cast("AsyncCompareAndSetProtocol", self.key_value)
        while (found := await store.get_versioned(key, collection=collection)) is not None:
            read_at = time.monotonic()
            if not self._is_old(found.value):
                return False
            encoded = await self._encode_anew(found.value, collection, key)
            ttl = _left(found.ttl, read_at)
            if ttl is not None and ttl <= 0:
                return False
            if await store.put_if_version(
                key, encoded, version=found.version, collection=collection, ttl=ttl
            ):
                return True
        return False

    async def _rotate_by_lock(self, key: str, collection: str | None) -> bool:
        async with self._locks.hold([(collection, key), collection, _WHOLE_STORE]):
            stored, seconds = await self.key_value.ttl(key, collection=collection)
            read_at = time.monotonic()
            if stored is None or not self._is_old(stored):
                return False
            encoded = await self._encode_anew(stored, collection, key)
            ttl = _left(seconds, read_at)
            if ttl is not None and ttl <= 0:
                return False
            await self.key_value.put(key, encoded, collection=collection, ttl=ttl)
            return True

    def _is_old(self, stored: Mapping[str, Any]) -> bool:
        return stored.get(KEY_ID) != self.key_id

    async def _encode_anew(
        self, stored: dict[str, Any], collection: str | None, key: str
    ) -> Mapping[str, Any]:
        value = await self._open(stored, self._address(collection, key))
        return await self._encode_value(value, collection=collection, key=key)

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        async with self._turn(collection, key):
            await super().put(key, value, collection=collection, ttl=ttl)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        async with self._turn(collection, *keys):
            await super().put_many(keys, values, collection=collection, ttl=ttl)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        async with self._turn(collection, key):
            return await super().delete(key, collection=collection)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        async with self._turn(collection, *keys):
            return await super().delete_many(keys, collection=collection)

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if self._has_versions or ability.effect == "read":
            return await super()._call_ability(ability, arguments)
        name = self._collection_name(arguments.get("collection"))
        if "key" in arguments:
            held = (name, arguments["key"])
        else:
            held = name if "collection" in arguments else _WHOLE_STORE
        async with self._locks.hold([held]):
            return await super()._call_ability(ability, arguments)

    def _turn(self, collection: str | None, *keys: str) -> AbstractAsyncContextManager[object]:
        """Wait until no rotation is working on the keys, and block rotations of them."""
        if self._has_versions:
            return nullcontext()
        name = self._collection_name(collection)
        return self._locks.hold((name, key) for key in keys)


def _left(ttl: float | None, read_at: float) -> float | None:
    """Return the remaining seconds of a TTL that was read earlier."""
    return None if ttl is None else ttl - (time.monotonic() - read_at)
