"""The base class of stores that keep each entry's fields in a row, item or document of the backend."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, cast

from typing_extensions import override

from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.managed_entry import ManagedEntry
from key_value.aio._utils.time_to_live import parse_epoch
from key_value.aio.errors import DeserializationError, KeyValueStoreError, OutcomeUnknownError
from key_value.aio.stores.base.batches import for_each
from key_value.aio.stores.base.codec import decode, encode, has_lone_surrogate, write_id
from key_value.aio.stores.base.gathered_reads import GatheredReads
from key_value.aio.stores.base.hooked_store import HookedStore
from key_value.aio.stores.base.names import Address, Names
from key_value.aio.stores.base.paged_store import ENTRIES_PER_PAGE, Listed, ListedPage, PagedStore
from key_value.aio.stores.base.versioned_store import VersionedStore

T = TypeVar("T")


class Row(NamedTuple):
    """The fields of an entry."""

    collection: str
    """Collection, as the backend holds it."""
    key: str
    """Key, as the backend holds it."""
    value: Any
    """Value as JSON text (or UTF-8 bytes, if the driver returns them), or in the backend's own form, which
    `_row` produces and `_row_value` reads. It may be empty in a listed row."""
    created: float | str | None = None
    """Creation time, in seconds since 1970; a row of the backend may have ISO 8601 text."""
    expires: float | str | None = None
    """Expiry time, in the same form; None if it never expires."""
    version: str = ""
    """In a row to store, a new random ID; in a row of the backend, the text that `_put_row_if` compares. The
    latter starts with the random ID, if the backend stores it."""
    original: Address | None = None
    """Collection and key that the caller named. Always set in a row to store. Set in a row of the backend if
    the backend holds them, in which case names that were cut can be listed too."""

    @property
    def address(self) -> Address:
        """The collection and the key."""
        return Address(self.collection, self.key)

    @property
    def expires_epoch(self) -> float | None:
        """The expiry time, in seconds since 1970; None if it never expires.

        Raises:
            DeserializationError: The stored expiry is not a time.
        """
        return parse_epoch(self.expires) if isinstance(self.expires, str) else self.expires

    def has_expired(self, now: float) -> bool:
        """Return whether the row has expired; a row whose expiry cannot be read counts as not expired."""
        try:
            expires = self.expires_epoch
        except DeserializationError:
            return False
        return expires is not None and expires <= now

    @property
    def has_lone_surrogate(self) -> bool:
        """Whether the value contains half of a surrogate pair, which is not a Unicode character."""
        return has_lone_surrogate(self.value)


class RowPage(NamedTuple):
    """One page of the rows of a backend."""

    rows: Sequence[Row]
    """Rows, including expired ones; without their values if that is cheaper."""
    after: Address | None
    """Row after which the next page begins; None on the last page."""


class RowStore(HookedStore, VersionedStore, PagedStore, ABC):
    """A store whose backend keeps fields for each entry, under its collection and key.

    All hooks receive names as the backend holds them.
    """

    names: Names = Names(collections=EscapingStrategy())

    def __init__(self, **kwargs: Any) -> None:
        """Create a store. Nothing is opened or created before its first use.

        Args:
            **kwargs: Arguments of `HookedStore`.
        """
        super().__init__(**kwargs)
        self._reads = GatheredReads[Address, Row](self._read_rows, self._run_in_background)

    @abstractmethod
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        """Hook: return the existing rows of the given distinct addresses, in any order."""

    @abstractmethod
    async def _put_rows(self, rows: Sequence[Row]) -> Sequence[Exception | None] | None:
        """Hook: store rows, sorted by address and with distinct addresses, replacing existing ones.

        All rows are of one collection and have the same times.

        Returns:
            None if the backend reports no result for each row: all rows were stored, unless the hook raised
            an error. Otherwise an exception for each row that was rejected individually and None for each
            other row, in order.
        """

    @abstractmethod
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        """Hook: remove the rows that expire after `now` or never, and return their number.

        The addresses are of one collection. Expired rows may be removed as well, but are not counted.
        """

    @abstractmethod
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        """Hook: atomically store a row, if the stored row has a given version, or if there is no stored row.

        Args:
            row: Row to store.
            version: Required version of the stored row; None requires that there is no row.

        Returns:
            The new version, which is `row.version` if the backend stores it; None if nothing was stored.
        """

    @abstractmethod
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        """Hook: atomically remove a row if it has a given version; return whether it was removed."""

    @abstractmethod
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        """Hook: list rows.

        A row that exists from the first page to the last must be on one of the pages.

        Args:
            collection: Collection to list; None lists all.
            prefix: Prefix of the keys, taken literally.
            after: Row after which to begin; None starts at the beginning.
            limit: Maximum number of rows to return.
        """

    async def _take_row(self, address: Address) -> Row | None:
        """Hook: atomically remove a row and return it, even if it has expired; None if it is missing."""
        while rows := await self._get_rows([address]):
            [row] = rows
            if await self._delete_row_if(address, row.version):
                return row
        return None

    async def _clear_rows(self, collection: str | None) -> bool | None:
        """Hook: remove the rows of a collection, or all rows, in one call; return whether there were any.

        Return None if the backend cannot do this: the base class then lists rows and removes them page by
        page.
        """
        return None

    @override
    async def _get_managed_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        row = await self._read_row(self.names.pair(collection, key))
        return None if row is None else await self._entry(collection, key, row)

    async def _cull_rows(self, limit: int) -> int | None:
        """Hook: remove up to `limit` expired rows and return their number.

        Return None if the backend has no index of expired rows: the base class then lists all rows.
        """
        return None

    async def _touch_row(self, address: Address, expires: float | None, now: float) -> bool | None:
        """Hook: change the expiry of a row that expires after `now` or never; return whether it existed.

        Return None if the backend cannot do this: the base class then stores the row again, if its version is
        unchanged.
        """
        return None

    @override
    async def _get_managed_entries(
        self, *, collection: str, keys: Sequence[str]
    ) -> Sequence[ManagedEntry | None]:
        addresses = [self.names.pair(collection, key) for key in keys]

        async def get(part: slice) -> Sequence[Row | None]:
            return await self._read_rows(addresses[part])

        rows = await self._in_parts("get_many", keys, [len(key) for key in keys], get, self.read_limit)
        return [
            None if row is None else await self._entry(collection, key, row)
            for key, row in zip(keys, rows, strict=True)
        ]

    @override
    async def _put_managed_entry(self, *, collection: str, key: str, managed_entry: ManagedEntry) -> None:
        row = await self._row(collection, key, managed_entry)
        refused = await self._change([key], lambda: self._put_rows([row]), repeatable=True)
        if refused and refused[0] is not None:
            raise refused[0]

    @override
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
        entries = zip(keys, managed_entries, strict=True)
        # Batches that store their rows in the same order cannot deadlock on each other's locks.
        rows = sorted([(await self._row(collection, key, entry), key) for key, entry in entries])
        ordered = [key for _, key in rows]

        async def put(part: slice) -> Sequence[Exception | None]:
            some = [row for row, _ in rows[part]]
            refused = await self._change(ordered[part], lambda: self._put_rows(some), repeatable=True)
            return refused or [None] * len(some)

        await self._in_parts("put_many", ordered, [len(row.value) for row, _ in rows], put)

    @override
    async def _delete_managed_entry(self, *, key: str, collection: str) -> bool:
        address, now = self.names.pair(collection, key), time.time()
        return await self._change([key], lambda: self._delete_rows([address], now)) > 0

    @override
    async def _delete_managed_entries(self, *, keys: Sequence[str], collection: str) -> int:
        addresses = [self.names.pair(collection, key) for key in keys]
        now = time.time()

        async def delete(part: slice) -> Sequence[int]:
            some = addresses[part]
            count = await self._change(keys[part], lambda: self._delete_rows(some, now))
            return [count, *[0] * (len(some) - 1)]

        return sum(await self._in_parts("delete_many", keys, [len(key) for key in keys], delete))

    @override
    async def _get_versioned_entry(self, *, collection: str, key: str) -> tuple[ManagedEntry, str] | None:
        row = await self._read_row(self.names.pair(collection, key))
        return None if row is None else (await self._entry(collection, key, row), row.version)

    @override
    async def _put_entry_if(
        self, *, collection: str, key: str, managed_entry: ManagedEntry, version: str | None
    ) -> str | None:
        row = await self._row(collection, key, managed_entry)
        try:
            stored = await self._change_if([key], lambda: self._put_row_if(row, version))
        except OutcomeUnknownError:
            if (ours := await self._version_written(row)) is not None:
                return ours
            raise
        # If a driver resends a write, the backend reports that a row exists: the one from the first attempt.
        return await self._version_written(row) if stored is None and self.leaves_tombstones else stored

    @override
    async def _delete_entry_if(self, *, collection: str, key: str, version: str) -> bool:
        address = self.names.pair(collection, key)
        return await self._change_if([key], lambda: self._delete_row_if(address, version))

    @override
    async def _touch_entry(self, *, collection: str, key: str, expires: float | None) -> bool:
        address = self.names.pair(collection, key)
        touched = await self._change([key], lambda: self._touch_row(address, expires, time.time()))
        if touched is None:
            return await super()._touch_entry(collection=collection, key=key, expires=expires)
        return touched

    @override
    async def _take_entry(self, *, collection: str, key: str) -> ManagedEntry | None:
        if self.leaves_tombstones:
            return await super()._take_entry(collection=collection, key=key)
        address = self.names.pair(collection, key)
        row = await self._change_if([key], lambda: self._take_row(address))
        return None if row is None else await self._entry(collection, key, row)

    @override
    async def _list_page(
        self, *, collection: str | None, prefix: str, cursor: str | None, limit: int
    ) -> ListedPage:
        after = None if cursor is None else Address(*cast("list[str]", json.loads(cursor)))
        name = None if collection is None else self.names.collection(collection)
        page = await self._fetch(self._list_rows, name, self.names.literal(prefix), after, limit)
        entries = [entry for entry in map(self._listed, page.rows) if entry is not None]
        return ListedPage(entries, None if page.after is None else json.dumps(page.after))

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        async def remove(index: int) -> bool:
            row = cast("Row", entries[index].handle)
            return await self._change([row.key], lambda: self._delete_row_if(row.address, row.version))

        keys = [entry.key for entry in entries]
        await for_each(keys, remove, name="delete", max_concurrency=self.max_concurrency)

    @override
    async def _cull(self) -> None:
        while culled := await self._change([], lambda: self._cull_rows(ENTRIES_PER_PAGE)):
            pass
        if culled is None:
            await super()._cull()

    @override
    async def _reclaim(self, count: int) -> bool:
        removed = await self._change([], lambda: self._cull_rows(count))
        return await super()._reclaim(count) if removed is None else removed > 0

    @override
    async def _delete_store(self) -> bool:
        await self._clear(None)
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._clear(collection)

    async def _clear(self, collection: str | None) -> bool:
        name = None if collection is None else self.names.collection(collection)
        cleared = await self._change([], lambda: self._clear_rows(name))
        return await self._remove_all(collection) if cleared is None else cleared

    async def _read_row(self, address: Address) -> Row | None:
        if self.gathers_reads:
            return await self._reads.get(address)
        rows = await self._fetch(self._get_rows, [address])
        return rows[0] if rows else None

    async def _read_rows(self, addresses: Sequence[Address]) -> Sequence[Row | None]:
        """Return the row, or None, at each of several addresses."""
        rows = await self._fetch(self._get_rows, addresses)
        found = {row.address: row for row in rows}
        return [found.get(address) for address in addresses]

    async def _version_written(self, row: Row) -> str | None:
        """Return the version of a row after an uncertain write; None if not stored, or not determinable."""
        try:
            found = await self._read_row(row.address)
        except KeyValueStoreError:
            return None
        return found.version if found is not None and found.version.startswith(row.version) else None

    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        """Hook: return the row for an entry; raise an error for a value that the backend cannot hold."""
        name, stored = self.names.pair(collection, key)
        text = await encode(entry.value)
        original = Address(collection, key)
        return Row(name, stored, text, entry.created_epoch, entry.expires_epoch, write_id(), original)

    async def _row_value(self, row: Row) -> dict[str, Any]:
        """Hook: return the value of a row of the backend, new each time; by default parsed from JSON text."""
        return await decode(row.value)

    async def _entry(self, collection: str, key: str, row: Row) -> ManagedEntry:
        try:
            return ManagedEntry.from_epochs(await self._row_value(row), row.created, row.expires_epoch)
        except DeserializationError as error:
            raise self._unreadable(collection, key, error) from error

    def _listed(self, row: Row) -> Listed | None:
        collection, key = row.original or (
            self.names.collections.try_unsanitize(row.collection),
            self.names.keys.try_unsanitize(row.key),
        )
        if collection is None or key is None:
            return None
        if row.original and row.address != self.names.pair(collection, key):
            return None
        try:
            return Listed(collection, key, row.expires_epoch, row)
        except DeserializationError:
            return Listed(collection, key, None, row)
