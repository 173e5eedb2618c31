"""The part of a store that is common to all backends."""

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection, check_key, check_keys, check_value, check_values
from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio._utils.json_codec import dumps
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.sanitization import PassthroughStrategy, SanitizationStrategy
from key_value.aio._utils.serialization import BasicSerializationAdapter, SerializationAdapter
from key_value.aio._utils.time_to_live import epoch_to_datetime, prepare_ttl
from key_value.aio.errors import (
    BaseKeyValueError,
    DeserializationError,
    KeyValueStoreError,
    SerializationError,
)
from key_value.aio.protocols.key_value import AsyncKeyValueProtocol, TimeToLive
from key_value.aio.stores.base.batches import for_each
from key_value.aio.stores.base.from_url import FromURL
from key_value.aio.stores.base.lifecycle import Lifecycle

SEED_DATA_TYPE = Mapping[str, Mapping[str, Mapping[str, Any]]]
FROZEN_SEED_DATA_TYPE = MappingProxyType[str, MappingProxyType[str, MappingProxyType[str, Any]]]
DEFAULT_SEED_DATA: FROZEN_SEED_DATA_TYPE = MappingProxyType({})


class BaseStore(Lifecycle, FromURL, AsyncKeyValueProtocol, ABC):
    """The base class of every store: defaults, checks, setup, TTLs, expiry and batches.

    A backend that fits neither `BytesStore` nor `RowStore` implements three hooks, `_get_managed_entry`,
    `_put_managed_entry` and `_delete_managed_entry`, the batch hooks if it has native batches, and the hooks
    of its lifecycle. Hooks are called with keyword arguments only. They may assume that:

    - the collection is named and set up
    - a batch is not empty and has no repeated keys
    - a TTL is positive
    - names are strings, and values are mappings of strings

    Hooks do not need to check whether an entry has expired.
    """

    max_concurrency: int = 10
    """Maximum number of a batch's operations to run at a time if the backend has no native batches."""

    def __init__(
        self,
        *,
        serialization_adapter: SerializationAdapter | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        default_collection: str | None = None,
        seed: SEED_DATA_TYPE | None = None,
        stable_api: bool = True,
    ) -> None:
        """Create a store. Nothing is opened or created before its first use.

        Args:
            serialization_adapter: Format of stored documents.
            key_sanitization_strategy: Strategy that maps keys to names the backend accepts.
            collection_sanitization_strategy: Strategy that maps collections to names the backend accepts.
            default_collection: Collection used when a call does not name one. Defaults to
                `default_collection`.
            seed: Data to store during setup, as `{collection: {key: value}}`; existing entries are kept.
            stable_api: Whether the store's API is stable; False emits a warning that it may change.
        """
        super().__init__()
        self.default_collection = check_collection(default_collection) or DEFAULT_COLLECTION_NAME
        self._serialization_adapter = serialization_adapter or BasicSerializationAdapter()
        self._key_sanitization_strategy = key_sanitization_strategy or PassthroughStrategy()
        self._collection_sanitization_strategy = collection_sanitization_strategy or PassthroughStrategy()
        self._seed_data = _frozen(seed) if seed else DEFAULT_SEED_DATA
        if not stable_api:
            self._warn_about_stability()

    @abstractmethod
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        """Hook: return the entry of a key, or None if it is missing."""

    @abstractmethod
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        """Hook: store an entry, replacing an existing one."""

    @abstractmethod
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        """Hook: remove an entry; return whether it existed and had not expired."""

    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        """Hook: return the entries of several keys, in the order of the keys."""
        return await for_each(
            keys,
            lambda index: self._get_managed_entry(collection=collection, key=keys[index]),
            name="get_many",
            max_concurrency=self.max_concurrency,
        )

    async def _put_managed_entries(
        self,
        *,
        collection: str,
        keys: Sequence[str],
        managed_entries: Sequence[ManagedEntry],
        ttl: float | None,
        created_at: datetime,
        expires_at: datetime | None,
    ) -> None:
        """Hook: store several entries, which share their creation and expiry times."""
        await for_each(
            keys,
            lambda index: self._put_managed_entry(
                collection=collection, key=keys[index], managed_entry=managed_entries[index]
            ),
            name="put_many",
            max_concurrency=self.max_concurrency,
        )

    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        """Hook: remove several entries; return the number of those that had not expired."""
        deleted = await for_each(
            keys,
            lambda index: self._delete_managed_entry(key=keys[index], collection=collection),
            name="delete_many",
            max_concurrency=self.max_concurrency,
        )
        return sum(deleted)

    @override
    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        entry = await self._find(key, collection)
        return None if entry is None else dict(entry.value)

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        entry = await self._find(key, collection)
        return (None, None) if entry is None else (dict(entry.value), entry.ttl)

    @override
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[dict[str, Any] | None]:
        entries = await self._find_many(keys, collection)
        return [None if entry is None else dict(entry.value) for entry in entries]

    @override
    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[dict[str, Any] | None, float | None]]:
        entries = await self._find_many(keys, collection)
        return [(None, None) if entry is None else (dict(entry.value), entry.ttl) for entry in entries]

    @override
    async def put(
        self,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        key = check_key(key)
        check_value(value)
        collection = self._resolve(collection)
        seconds = prepare_ttl(ttl)
        if collection not in self._prepared:
            await self.setup_collection(collection=collection)
        entry = new_entry(value, time.time(), seconds)
        try:
            await self._put_managed_entry(collection=collection, key=key, managed_entry=entry)
        except Exception as error:  # noqa: BLE001 -- raised again
            self._raise(error, collection, key, value)
        self._count_writes(1)

    @override
    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[Mapping[str, Any]],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        keys = check_keys(keys)
        check_values(keys, values)
        collection = self._resolve(collection)
        seconds = prepare_ttl(ttl)
        last_values = dict(zip(keys, values, strict=True))
        if not last_values:
            return
        if collection not in self._prepared:
            await self.setup_collection(collection=collection)
        created = time.time()
        entries = [new_entry(value, created, seconds) for value in last_values.values()]
        try:
            with self._driver_errors:
                await self._put_managed_entries(
                    collection=collection,
                    keys=list(last_values),
                    managed_entries=entries,
                    ttl=seconds,
                    created_at=epoch_to_datetime(created),
                    expires_at=entries[0].expires_at,
                )
        except SerializationError as error:
            raise self._located(error, collection, last_values) from error.__cause__
        self._count_writes(len(entries))

    @override
    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        key = check_key(key)
        collection = self._resolve(collection)
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        try:
            return await self._delete_managed_entry(key=key, collection=collection)
        except Exception as error:  # noqa: BLE001 -- raised again
            self._raise(error, collection, key)

    @override
    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        keys = check_keys(keys)
        collection = self._resolve(collection)
        if not keys:
            return 0
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        with self._driver_errors:
            return await self._delete_managed_entries(keys=list(dict.fromkeys(keys)), collection=collection)

    async def _find(self, key: str, collection: str | None) -> ManagedEntry | None:
        key = check_key(key)
        collection = self._resolve(collection)
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        try:
            entry = await self._get_managed_entry(collection=collection, key=key)
        except Exception as error:  # noqa: BLE001 -- raised again
            self._raise(error, collection, key)
        return None if entry is None or entry.is_expired else entry

    async def _find_many(self, keys: Sequence[str], collection: str | None) -> list[ManagedEntry | None]:
        keys = check_keys(keys)
        collection = self._resolve(collection)
        if not keys:
            return []
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        different = list(dict.fromkeys(keys))
        with self._driver_errors:
            entries = await self._get_managed_entries(collection=collection, keys=different)
        unexpired = [None if entry is None or entry.is_expired else entry for entry in entries]
        if len(different) == len(keys):
            return unexpired
        return _repeated(keys, dict(zip(different, unexpired, strict=True)))

    def _count_writes(self, count: int) -> None:
        """Hook: called after `count` entries were stored."""

    def _raise(
        self, error: Exception, collection: str, key: str, value: Mapping[str, Any] | None = None
    ) -> NoReturn:
        """Raise the error of a hook, with driver exceptions mapped, and with the entry that it concerns."""
        error = self._ours(error)
        if not isinstance(error, BaseKeyValueError):
            raise error
        cause = error.__cause__
        if isinstance(error, KeyValueStoreError):
            error = self._named(error, collection, key)
        elif isinstance(error, SerializationError) and value is not None:
            error = self._located(error, collection, {key: value})
        raise error from cause

    def _named(self, error: KeyValueStoreError, collection: str, key: str) -> KeyValueStoreError:
        """Return an error with the entry it concerns; connection errors and the like concern no entry."""
        if type(error) is not KeyValueStoreError or error.extra_info:
            return error
        return KeyValueStoreError(message=error.message, extra_info={"collection": collection, "key": key})

    def _located(
        self, error: SerializationError, collection: str, values: Mapping[str, Mapping[str, Any]]
    ) -> SerializationError:
        """Return an error that names the entry whose value is not JSON, if there is one."""
        for key, value in values.items():
            try:
                dumps(dict(value))
            except SerializationError as found:
                return SerializationError(f"{collection}/{key}: {found.message}")
        return error

    def _unreadable(self, collection: str, key: str, error: DeserializationError) -> DeserializationError:
        """Return the error with the name of the entry that cannot be read."""
        extra = {"store": type(self).__name__, "collection": collection, "key": key}
        return DeserializationError(message=error.message, extra_info=dict(extra))

    def _resolve(self, collection: str | None) -> str:
        return check_collection(collection) or self.default_collection

    def _sanitize_collection(self, collection: str) -> str:
        self._collection_sanitization_strategy.validate(collection)
        return self._collection_sanitization_strategy.sanitize(collection)

    def _sanitize_key(self, key: str) -> str:
        self._key_sanitization_strategy.validate(key)
        return self._key_sanitization_strategy.sanitize(key)

    def _sanitize_collection_and_key(self, collection: str, key: str) -> tuple[str, str]:
        return self._sanitize_collection(collection), self._sanitize_key(key)

    def _warn_about_stability(self) -> None:
        message = (
            "A configured store is unstable and may change in a backwards incompatible way. "
            "Use at your own risk."
        )
        warnings.warn(message, UserWarning, stacklevel=4)

    @override
    async def _seed(self) -> None:
        """Store the seed entries that are missing from the store."""
        created = time.time()
        for name, values in self._seed_data.items():
            collection = name or self.default_collection
            await self._setup_collection(collection=collection)
            for key, value in values.items():
                found = await self._get_managed_entry(collection=collection, key=key)
                if found is None or found.is_expired:
                    entry = ManagedEntry.from_epochs(value, created)
                    await self._put_managed_entry(collection=collection, key=key, managed_entry=entry)


def new_entry(value: Mapping[str, Any], created: float, seconds: float | None) -> ManagedEntry:
    """Return an entry created at a time, in seconds since 1970, with a TTL in seconds."""
    return ManagedEntry.from_epochs(value, created, None if seconds is None else created + seconds)


def _repeated(keys: Sequence[str], entries: Mapping[str, ManagedEntry | None]) -> list[ManagedEntry | None]:
    """Return the entry of each key, as a copy for every repetition of a key."""
    seen: set[str] = set()
    repeated: list[ManagedEntry | None] = []
    for key in keys:
        entry = entries[key]
        if entry is not None and key in seen:
            entry = ManagedEntry.from_epochs(deepcopy(dict(entry.value)), None, entry.expires_epoch)
        seen.add(key)
        repeated.append(entry)
    return repeated


def _frozen(seed: SEED_DATA_TYPE) -> FROZEN_SEED_DATA_TYPE:
    return MappingProxyType(
        {
            collection: MappingProxyType(
                {key: MappingProxyType(dict(value)) for key, value in values.items()}
            )
            for collection, values in seed.items()
        }
    )
