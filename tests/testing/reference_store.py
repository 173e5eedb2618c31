"""A correct store in a dict, which does not build on the library's own stores."""

import json
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, cast

from typing_extensions import Self

from key_value.aio.errors import (
    DeserializationError,
    InvalidTTLError,
    KeyValueStoreError,
    SerializationError,
    StoreClosedError,
)
from key_value.aio.protocols import Page, Versioned

Stored = tuple[Any, float | None]

DEEPEST = 200
WRITES_PER_STEP = 100


class ReferenceStore:
    """A correct store; every store that is broken on purpose changes one thing in it."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Stored]] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self._writes = count(1)
        self.refused: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        value, _ = await self.ttl(key, collection=collection)
        return value

    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        key = self._key(collection, key)
        stored = self._live(self._name(collection), key)
        if stored is None:
            return None, None
        return self._read(collection, key, stored), stored[1] and stored[1] - self._now()

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
        key = self._key(collection, key)
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
        stored = [(self._encode(value), expiry) for value in values]
        if failed := self.refused.intersection(keys):
            raise KeyValueStoreError(extra_info={"failed_keys": ", ".join(map(repr, sorted(failed)))})
        for key, entry in zip(keys, stored, strict=True):
            self._store(self._name(collection), self._key(collection, key), entry)

    async def put_if_absent(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: Any = None,
    ) -> bool:
        key = self._key(collection, key)
        stored = self._encode(value), self._expiry(ttl)
        with self._lock:
            before = self._live(self._name(collection), key)
            if before is None:
                self._store(self._name(collection), key, stored)
        if before is not None:
            self._read(collection, key, before)
        return before is None

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        key = self._key(collection, key)
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
        return self.entries.pop(self._name(collection), None) is not None

    async def cull(self) -> None:
        self._check(None)
        for name, entries in self.entries.items():
            for key in [key for key in entries if self._live(name, key) is None]:
                self._remove(name, key)

    async def get_versioned(
        self, key: str, *, collection: str | None = None
    ) -> Versioned[dict[str, Any]] | None:
        value, ttl = await self.ttl(key, collection=collection)
        return None if value is None else Versioned(value, self._version(self._name(collection), key), ttl)

    async def put_if_version(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        version: str,
        collection: str | None = None,
        ttl: Any = None,
    ) -> str | None:
        key = self._key(collection, key, version)
        name, stored = self._name(collection), (self._encode(value), self._expiry(ttl))
        with self._lock:
            if not self._has_version(name, key, version):
                return None
            self._store(name, key, stored)
            return self._version(name, key)

    async def delete_if_version(self, key: str, *, version: str, collection: str | None = None) -> bool:
        key = self._key(collection, key, version)
        name = self._name(collection)
        with self._lock:
            matches = self._has_version(name, key, version)
            if matches:
                self._remove(name, key)
        return matches

    async def pop(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        key = self._key(collection, key)
        name = self._name(collection)
        with self._lock:
            stored = self._live(name, key)
            if stored is not None:
                self._remove(name, key)
        return None if stored is None else self._read(collection, key, stored)

    async def touch(self, key: str, *, ttl: Any, collection: str | None = None) -> bool:
        key = self._key(collection, key)
        name, expiry = self._name(collection), self._expiry(ttl)
        with self._lock:
            stored = self._live(name, key)
            if stored is not None:
                self._store(name, key, (stored[0], expiry))
        return stored is not None

    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = 1000,
    ) -> Page:
        self._check(collection, prefix)
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        name, prefix = self._name(collection), str.__str__(prefix)
        last = None if cursor is None else self._last_key(cursor, name, prefix)
        live = [key for key in self.entries.get(name, {}) if self._live(name, key)]
        keys, last = self._page(sorted(key for key in live if self._starts(key, prefix)), last, limit)
        return Page(keys, None if last is None else json.dumps([name, prefix, last]))

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

    def _key(self, collection: object, key: str, *others: object) -> str:
        self._check(collection, key, *others)
        return str.__str__(key)

    def _each(self, keys: Sequence[str]) -> Sequence[str]:
        if isinstance(keys, str):
            raise TypeError("keys is a sequence of strings, not one string")
        return keys

    def _name(self, collection: str | None) -> str:
        # The content of a subclass of str, whatever its `__str__` returns.
        return str.__str__(collection or "default_collection")

    def _now(self) -> float:
        return time.monotonic()

    def _live(self, collection: str, key: str) -> Stored | None:
        stored = self.entries.get(collection, {}).get(key)
        return None if stored is None or self._expired(stored) else stored

    def _expired(self, stored: Stored) -> bool:
        return stored[1] is not None and stored[1] <= self._now()

    def _read(self, collection: str | None, key: str, stored: Stored) -> dict[str, Any]:
        try:
            return self._decode(stored[0])
        except ValueError as error:
            raise DeserializationError(extra_info={"collection": collection, "key": key}) from error

    def _store(self, collection: str, key: str, stored: Stored) -> None:
        if key in self.refused:
            raise KeyValueStoreError(f"{key!r} is refused")
        self.entries.setdefault(collection, {})[key] = stored
        self._versions[collection, key] = write = next(self._writes)
        if write % WRITES_PER_STEP == 0:
            self._reclaim(collection)

    def _reclaim(self, collection: str) -> None:
        """Free expired entries, as stores without a `cull` of the backend do."""
        for key in [key for key in self.entries[collection] if self._live(collection, key) is None]:
            self._remove(collection, key)

    def _remove(self, collection: str, key: str) -> None:
        del self.entries[collection][key]
        self._versions.pop((collection, key), None)

    def _version(self, collection: str, key: str) -> str:
        return str(self._versions[collection, key])

    def _has_version(self, collection: str, key: str, version: str) -> bool:
        return self._live(collection, key) is not None and self._version(collection, key) == version

    def _starts(self, key: str, prefix: str) -> bool:
        return key.startswith(prefix)

    def _page(self, listed: list[str], last: Any, limit: int) -> tuple[list[str], Any]:
        """Return the keys of a page, and the content of its cursor if more keys follow."""
        rest = [key for key in listed if last is None or key > last]
        page = rest[:limit]
        return page, page[-1] if len(rest) > limit else None

    def _last_key(self, cursor: str, name: str, prefix: str) -> Any:
        try:
            *scan, last = json.loads(cursor)
        except (TypeError, ValueError):
            scan, last = [], ""
        if scan != [name, prefix]:
            raise ValueError(f"the cursor {cursor!r} is of no scan of this collection and prefix")
        return last

    def _expiry(self, ttl: Any) -> float | None:
        if ttl is None:
            return None
        if isinstance(ttl, timedelta):
            ttl = ttl.total_seconds()
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
        if self._too_deep(names):
            raise SerializationError(f"a value has at most {DEEPEST} levels")
        try:
            return json.dumps({"value": dict(names)}).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise SerializationError(str(error)) from error

    def _too_deep(self, value: Any) -> bool:
        """Return whether a value exceeds the store's own limit; the codec's depends on the caller's stack."""
        level: list[Any] = [value]
        for _ in range(DEEPEST):
            level = [child for each in level for child in _children(each)]
        return bool(level)

    def _decode(self, data: Any) -> dict[str, Any]:
        document = json.loads(data)
        if not isinstance(document, dict) or list(document) != ["value"]:  # pyright: ignore[reportUnknownArgumentType] -- this is the check
            raise ValueError("this was never stored")
        value = document["value"]  # pyright: ignore[reportUnknownVariableType] -- as above
        if not isinstance(value, dict):
            raise ValueError("this was never stored as a value")
        return cast("dict[str, Any]", value)

    def _cut(self, names: list[str], limit: int | None) -> list[str]:
        if limit is not None and limit < 0:
            raise ValueError(f"limit must not be negative, but is {limit}")
        return names[: sys.maxsize if limit is None else limit]


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).values()
    return cast("Iterable[Any]", value) if isinstance(value, list | tuple) else ()
