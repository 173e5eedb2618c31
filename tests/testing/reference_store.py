"""A store that does everything right, in a dict, with none of the library's own stores beneath it."""

import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from typing_extensions import Self

from key_value.aio.errors import DeserializationError, InvalidTTLError, SerializationError, StoreClosedError
from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
)

Stored = tuple[Any, float | None]

ALL_ABILITIES: frozenset[type] = frozenset(
    {
        AsyncCullProtocol,
        AsyncDestroyCollectionProtocol,
        AsyncDestroyStoreProtocol,
        AsyncEnumerateCollectionsProtocol,
        AsyncEnumerateKeysProtocol,
        AsyncPutIfAbsentProtocol,
    }
)


class ReferenceStore:
    """Every store that is broken on purpose is this one with one thing changed."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Stored]] = {}
        self._lock = threading.Lock()
        self._closed = False

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        value, _ = await self.ttl(key, collection=collection)
        return value

    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        self._check(collection, key)
        stored = self._live(self._name(collection), key)
        if stored is None:
            return None, None
        try:
            value = self._decode(stored[0])
        except ValueError as error:
            raise DeserializationError(extra_info={"collection": collection, "key": key}) from error
        return value, stored[1] and stored[1] - self._now()

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        return [value for value, _ in await self.ttl_many(keys, collection=collection)]

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        self._check(collection, *self._each(keys))
        return [await self.ttl(key, collection=collection) for key in keys]

    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: Any = None,
    ) -> None:
        self._check(collection, key)
        stored = self._encode(value), self._expiry(ttl)
        self._store(self._name(collection), key, stored)

    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: Any = None,
    ) -> None:
        self._check(collection, *self._each(keys))
        if len(keys) != len(values):
            raise ValueError("put_many needs as many values as keys")
        expiry = self._expiry(ttl)
        for key, data in zip(keys, [self._encode(value) for value in values], strict=True):
            self._store(self._name(collection), key, (data, expiry))

    async def put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: Any = None,
    ) -> bool:
        self._check(collection, key)
        stored = self._encode(value), self._expiry(ttl)
        with self._lock:
            absent = self._live(self._name(collection), key) is None
            if absent:
                self._store(self._name(collection), key, stored)
        return absent

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        self._check(collection, key)
        name = self._name(collection)
        found = self._live(name, key) is not None
        if found:
            self._remove(name, key)
        return found

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        self._check(collection, *self._each(keys))
        return sum([await self.delete(key, collection=collection) for key in keys])

    async def keys(self, collection: str | None = None, *, limit: int | None = None) -> list[str]:
        self._check(collection)
        name = self._name(collection)
        return self._cut([key for key in self.entries.get(name, {}) if self._live(name, key)], limit)

    async def collections(self, *, limit: int | None = None) -> list[str]:
        self._check(None)
        return self._cut(list(self.entries), limit)

    async def destroy(self) -> bool:
        self._check(None)
        self.entries.clear()
        return True

    async def destroy_collection(self, collection: str) -> bool:
        self._check(collection)
        return self.entries.pop(collection, None) is not None

    async def cull(self) -> None:
        self._check(None)
        for name, entries in self.entries.items():
            for key in [key for key in entries if self._live(name, key) is None]:
                del entries[key]

    async def close(self) -> None:
        self._closed = True

    async def __aenter__(self) -> Self:
        self._closed = False
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def _check(self, collection: object, *keys: object) -> None:
        if not all(isinstance(name, str) for name in (collection or "", *keys)):
            raise TypeError("keys and collections are strings")
        if self._closed:
            raise StoreClosedError(message="The store is closed")

    def _each(self, keys: Sequence[str]) -> Sequence[str]:
        if isinstance(keys, str):
            raise TypeError("keys is a sequence of strings, not one string")
        return keys

    def _name(self, collection: str | None) -> str:
        return collection or "default_collection"

    def _now(self) -> float:
        return time.monotonic()

    def _live(self, collection: str, key: str) -> Stored | None:
        stored = self.entries.get(collection, {}).get(key)
        return None if stored is None or self._expired(stored) else stored

    def _expired(self, stored: Stored) -> bool:
        return stored[1] is not None and stored[1] <= self._now()

    def _store(self, collection: str, key: str, stored: Stored) -> None:
        self.entries.setdefault(collection, {})[key] = stored

    def _remove(self, collection: str, key: str) -> None:
        del self.entries[collection][key]

    def _expiry(self, ttl: Any) -> float | None:
        if ttl is None:
            return None
        if isinstance(ttl, bool) or not hasattr(ttl, "__float__"):
            raise InvalidTTLError(ttl)
        try:
            seconds = float(ttl)
        except OverflowError:
            raise InvalidTTLError(ttl) from None
        if not 0 < seconds < 2e11:
            raise InvalidTTLError(ttl)
        return self._now() + seconds

    def _encode(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError("a value is a mapping")
        names = cast("Mapping[object, object]", value)
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a value maps strings")
        try:
            return json.dumps({"value": dict(names)}).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise SerializationError(str(error)) from error

    def _decode(self, data: Any) -> dict[str, Any]:
        document = json.loads(data)
        if not isinstance(document, dict) or list(document) != ["value"]:  # pyright: ignore[reportUnknownArgumentType] -- that is what is asked
            raise ValueError("this was never stored")
        value = document["value"]  # pyright: ignore[reportUnknownVariableType] -- as above
        if not isinstance(value, dict):
            raise ValueError("this was never stored as a value")
        return cast("dict[str, Any]", value)

    def _cut(self, names: list[str], limit: int | None) -> list[str]:
        if limit is not None and limit < 0:
            raise ValueError(f"limit must not be negative, but is {limit}")
        return names[: sys.maxsize if limit is None else limit]
