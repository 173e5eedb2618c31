"""Encrypting anew what is still under an old key."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat, cast

from typing_extensions import override

from key_value.aio.protocols.key_value import (
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base.locks import locks_of
from key_value.aio.wrappers.encryption.envelope import KEY_ID
from key_value.aio.wrappers.encryption.sealing import SealingWrapper

KEYS_AT_A_TIME = 100

_STORE = None
"""What is held beside a place and a collection by whoever must not meet anybody in the store."""


class RotatingWrapper(SealingWrapper):
    """Knows the key of each value, and rewrites those that are not under the present one."""

    keeps = frozenset({AsyncEnumerateKeysProtocol, AsyncEnumerateCollectionsProtocol})

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
        self._locks = locks_of(key_value)

    async def rotate(self, collection: str | None = None) -> int:
        """Encrypt with the present key what is still under another; call it again if it was interrupted.

        Times to live stay as they are. A write that comes meanwhile through a wrapper of this kind around the
        same store object waits, and is kept. Writers in other processes are not seen: rotate when they
        already have the new key and are quiet, since one of their writes may be replaced by the value that it
        was to replace.

        Args:
            collection: The collection.

        Returns:
            How many values were encrypted anew.

        Raises:
            TypeError: The store cannot list its keys.
            DecryptionError: A value cannot be decrypted; those before it are done.
        """
        if not isinstance(self.key_value, AsyncEnumerateKeysProtocol):
            raise TypeError(
                f"{type(self.key_value).__name__} cannot list its keys, so they cannot be rotated"
            )
        keys = await self.key_value.keys(collection)
        rotated = 0
        for start in range(0, len(keys), KEYS_AT_A_TIME):
            some = keys[start : start + KEYS_AT_A_TIME]
            inner = cast("AsyncKeyValue", self.key_value)
            values = await inner.get_many(some, collection=collection)
            for key, stored in zip(some, values, strict=True):
                if stored is not None and stored.get(KEY_ID) != self.key_id:
                    rotated += await self._rotate_one(key, collection)
        return rotated

    async def _rotate_one(self, key: str, collection: str | None) -> bool:
        place = self._place(collection, key)
        async with self._locks.hold([place, place[0], _STORE]):
            stored, seconds = await self.key_value.ttl(key, collection=collection)
            read_at = time.monotonic()
            if stored is None or stored.get(KEY_ID) == self.key_id:
                return False
            value = await self._open(stored, place)
            encoded = await self._encode_value(value, collection=collection, key=key)
            left = None if seconds is None else seconds - (time.monotonic() - read_at)
            if left is not None and left <= 0:
                return False
            await self.key_value.put(key, encoded, collection=collection, ttl=left)
            return True

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        async with self._locks.hold([self._place(collection, key)]):
            await super().put(key, value, collection=collection, ttl=ttl)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> None:
        async with self._locks.hold([self._place(collection, key) for key in keys]):
            await super().put_many(keys, values, collection=collection, ttl=ttl)

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        async with self._locks.hold([self._place(collection, key)]):
            return await super().delete(key, collection=collection)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        async with self._locks.hold([self._place(collection, key) for key in keys]):
            return await super().delete_many(keys, collection=collection)

    @override
    async def _put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: SupportsFloat | None = None,
    ) -> bool:
        async with self._locks.hold([self._place(collection, key)]):
            return await super()._put_if_absent(key, value, collection=collection, ttl=ttl)

    @override
    async def _destroy_collection(self, collection: str) -> bool:
        async with self._locks.hold([collection]):
            return await super()._destroy_collection(collection)

    @override
    async def _destroy(self) -> bool:
        async with self._locks.hold([_STORE]):
            return await super()._destroy()
