"""A store that has every ability, and a cast of wrappers to such a type for the type checker."""

import bisect
import itertools
from collections.abc import Mapping
from typing import Any, Protocol, cast

from typing_extensions import override

from key_value.aio.protocols.key_value import (
    AsyncCompareAndSetProtocol,
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncKeyValue,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Page,
    Versioned,
)
from tests.testing.reference_store import ReferenceStore, Stored


class AbleStore(
    AsyncKeyValue,
    AsyncCompareAndSetProtocol,
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPopProtocol,
    AsyncPutIfAbsentProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
    Protocol,
):
    """Every ability; a test fails if it calls a missing one."""


def able(store: AsyncKeyValue) -> AbleStore:
    return cast("AbleStore", store)


class FullStore(ReferenceStore):
    """A store in a dict that has every ability."""

    def __init__(self, default_collection: str = "default_collection") -> None:
        super().__init__()
        self.default_collection = default_collection
        self.versions: dict[tuple[str, str], str] = {}
        self.scans = 0
        self._next = itertools.count(1)

    @override
    async def get_versioned(
        self, key: str, *, collection: str | None = None
    ) -> Versioned[dict[str, Any]] | None:
        value, seconds = await self.ttl(key, collection=collection)
        version = self.versions.get((self._name(collection), key), "")
        return None if value is None else Versioned(value, version, seconds)

    @override
    async def put_if_version(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        version: str,
        collection: str | None = None,
        ttl: Any = None,
    ) -> str | None:
        self._check(collection, key)
        stored = self._encode(value), self._expiry(ttl)
        if not self._is(version, collection, key):
            return None
        self._store(self._name(collection), key, stored)
        return self.versions[self._name(collection), key]

    @override
    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        return self._is(version, collection, key) and await self.delete(key, collection=collection)

    @override
    async def pop(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        value = await self.get(key, collection=collection)
        await self.delete(key, collection=collection)
        return value

    @override
    async def touch(self, key: str, *, ttl: Any, collection: str | None = None) -> bool:
        self._check(collection, key)
        expiry = self._expiry(ttl)
        stored = self._live(self._name(collection), key)
        if stored is not None:
            self._store(self._name(collection), key, (stored[0], expiry))
        return stored is not None

    @override
    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        self.scans += 1
        keys = sorted(key for key in await self.keys(collection) if key.startswith(prefix))
        start = 0 if cursor is None else bisect.bisect_right(keys, cursor)
        page = keys[start : start + limit]
        return Page(page, page[-1] if keys[start + limit :] else None)

    @override
    def _name(self, collection: str | None) -> str:
        return collection or self.default_collection

    @override
    def _store(self, collection: str, key: str, stored: Stored) -> None:
        super()._store(collection, key, stored)
        self.versions[collection, key] = str(next(self._next))

    def _is(self, version: str, collection: str | None, key: str) -> bool:
        name = self._name(collection)
        return self._live(name, key) is not None and self.versions[name, key] == version


class SecondsStore(FullStore):
    """A third-party store from the time when a TTL was always a number."""

    @override
    def _expiry(self, ttl: Any) -> float | None:
        assert ttl is None or isinstance(ttl, float), f"the store got a {type(ttl).__name__}"
        return super()._expiry(ttl)
