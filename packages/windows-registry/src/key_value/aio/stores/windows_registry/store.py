"""A store in WindowsRegistry."""

import time
from math import inf

from typing_extensions import override

from key_value.aio.stores.base import BytesStore


class WindowsRegistryStore(BytesStore):
    """A store in WindowsRegistry; entries expire there.

    There is no way to list keys.
    """

    def __init__(self, *, default_collection: str | None = None) -> None:
        """Make an empty store.

        Args:
            default_collection: The collection used where none is named.
        """
        super().__init__(default_collection=default_collection)
        self._blobs: dict[tuple[str, str], tuple[bytes, float]] = {}

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        data, expires_at = self._blobs.get((collection, key), (None, inf))
        return data if expires_at > time.time() else None

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        self._blobs[collection, key] = data, inf if ttl is None else time.time() + ttl

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        data, expires_at = self._blobs.pop((collection, key), (None, inf))
        return data is not None and expires_at > time.time()
