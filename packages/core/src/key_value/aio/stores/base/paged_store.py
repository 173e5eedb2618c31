"""All abilities that list entries, from one hook for a page, and the removal of expired entries."""

import json
import logging
import time
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, NamedTuple, cast

from typing_extensions import override

from key_value.aio._utils.arguments import check_key, check_limit
from key_value.aio.protocols.key_value import AsyncScanProtocol, Page
from key_value.aio.stores.base.abilities import (
    BaseCullStore,
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
)

ENTRIES_PER_PAGE = 1000

IDLE = 4
"""Factor by which reclamation steps are rarer in a store where nothing has expired."""

_log = logging.getLogger("key_value.aio")


class Listed(NamedTuple):
    """A listed entry."""

    collection: str
    key: str
    expires: float | None
    """Expiry time, in seconds since 1970; None if it never expires."""
    handle: Any = None
    """Handle that `_remove_listed` uses; None if the entry cannot be read, so that it may not be ours."""

    @property
    def is_expired(self) -> bool:
        """Whether the entry has expired."""
        return self.expires is not None and self.expires <= time.time()

    @property
    def is_unexpired(self) -> bool:
        """Whether the entry is known to be ours and has not expired."""
        return self.handle is not None and not self.is_expired


class ListedPage(NamedTuple):
    """One page of the entries of a store."""

    entries: Sequence[Listed]
    """Entries, including expired ones."""
    cursor: str | None
    """Start of the next page; None on the last page."""


class PagedKeysStore(BaseEnumerateKeysStore, BaseDestroyCollectionStore, AsyncScanProtocol, ABC):
    """A store whose backend can list the entries of a collection page by page."""

    @abstractmethod
    async def _list_page(
        self, *, collection: str | None, prefix: str, cursor: str | None, limit: int
    ) -> ListedPage:
        """Hook: list entries.

        Args:
            collection: Collection to list; None lists all.
            prefix: Prefix of the keys; the caller filters out entries that do not match.
            cursor: Cursor returned with the previous page; None for the first page.
            limit: Number of entries wanted; returning fewer or slightly more is allowed.
        """

    @abstractmethod
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        """Hook: remove listed entries.

        Args:
            entries: Entries to remove.
            if_unchanged: Whether to keep entries that were stored again since, if the backend can detect
                that.
        """

    @override
    async def scan(
        self,
        collection: str | None = None,
        *,
        prefix: str = "",
        cursor: str | None = None,
        limit: int = ENTRIES_PER_PAGE,
    ) -> Page:
        collection = self._resolve(collection)
        prefix = check_key(prefix)
        check_limit(limit)
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        at, left = _read_cursor(cursor, collection, prefix)
        if collection not in self._prepared:
            await self._prepare_to_read(collection)
        if not left:
            with self._driver_errors:
                page = await self._list_page(collection=collection, prefix=prefix, cursor=at, limit=limit)
            at = page.cursor
            found = (each for each in page.entries if each.key.startswith(prefix))
            left = list(dict.fromkeys((each.key, each.expires) for each in found if not each.is_expired))
        keys = [key for key, expires in left[:limit] if expires is None or expires > time.time()]
        left = left[limit:]
        more = left or at is not None
        return Page(keys, _write_cursor(at, left, collection, prefix) if more else None)

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        keys: dict[str, None] = {}
        async for page in self._pages(collection, limit):
            now = time.time()
            keys.update((key, None) for _, key, expires, _ in page if expires is None or expires > now)
            if limit is not None and len(keys) >= limit:
                break
        return list(keys)

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await self._remove_all(collection)

    async def _remove_all(self, collection: str | None) -> bool:
        removed = False
        async for page in self._pages(collection):
            ours = [each for each in page if each.handle is not None]
            if ours:
                await self._remove_listed(ours, if_unchanged=False)
                removed = True
        return removed

    async def _pages(
        self, collection: str | None, limit: int | None = None
    ) -> AsyncIterator[Sequence[Listed]]:
        wanted = ENTRIES_PER_PAGE if limit is None else min(limit, ENTRIES_PER_PAGE)
        cursor: str | None = None
        while True:
            page = await self._list_page(collection=collection, prefix="", cursor=cursor, limit=wanted)
            yield page.entries
            cursor = page.cursor
            if cursor is None:
                return


class PagedStore(PagedKeysStore, BaseEnumerateCollectionsStore, BaseDestroyStore, BaseCullStore, ABC):
    """A store whose backend can list entries page by page."""

    reclaim_after: ClassVar[int | None] = 100
    """Number of stored entries between two reclamation steps, which remove expired entries; None disables it.

    A step examines or removes at most twice that number of entries, in a background task of the store. If
    there is nothing to remove, the next step follows after `IDLE` times that number.
    """

    _unreclaimed = 0
    _reclaims = False
    _reclaim_cursor: str | None = None
    _reclaim_found = False
    _reclaim_failed = False

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        names: dict[str, None] = {}
        async for page in self._pages(None):
            names.update((each.collection, None) for each in page if each.is_unexpired)
            if limit is not None and len(names) >= limit:
                break
        return list(names)

    @override
    async def _delete_store(self) -> bool:
        await self._remove_all(None)
        return True

    @override
    async def _cull(self) -> None:
        async for page in self._pages(None):
            await self._remove_expired(page)

    async def _reclaim(self, count: int) -> bool:
        """Hook: examine, or remove, up to `count` entries, and remove the expired ones.

        Returns:
            False if nothing in the store had expired.
        """
        page = await self._list_page(collection=None, prefix="", cursor=self._reclaim_cursor, limit=count)
        return self._note_reclaimed(await self._remove_expired(page.entries), page.cursor)

    def _note_reclaimed(self, found: bool, cursor: str | None) -> bool:
        """Continue at a cursor; return False after a pass over the whole store that found nothing."""
        self._reclaim_cursor = cursor
        has_found = self._reclaim_found or found
        self._reclaim_found = has_found and cursor is not None
        return has_found or cursor is not None

    @override
    def _count_writes(self, count: int) -> None:
        if self.reclaim_after is None:
            return
        self._unreclaimed += count
        if self._unreclaimed >= self.reclaim_after and not self._reclaims and not self._closed:
            self._reclaims = True
            self._run_in_background(self._reclaim_quietly(self.reclaim_after))

    async def _reclaim_quietly(self, writes: int) -> None:
        try:
            # Writes that never wait let no other task run, so several steps may be due.
            while self._unreclaimed >= writes and not self._closed:
                self._unreclaimed -= writes
                with self._driver_errors:
                    if not await self._reclaim(2 * writes):
                        self._unreclaimed = (1 - IDLE) * writes
        except Exception as error:  # noqa: BLE001 -- the write that it follows has succeeded
            if not self._reclaim_failed:
                _log.warning("%r could not remove expired entries: %s", self, error)
            self._reclaim_failed = True
        finally:
            self._reclaims = False

    async def _remove_expired(self, entries: Sequence[Listed]) -> bool:
        expired = [each for each in entries if each.is_expired and each.handle is not None]
        if expired:
            await self._remove_listed(expired, if_unchanged=True)
        return bool(expired)


_Left = list[tuple[str, float | None]]
"""Keys of a page beyond its limit, with their expiry times; they are carried in the cursor."""


def _write_cursor(at: str | None, left: _Left, collection: str, prefix: str) -> str:
    text = json.dumps([at, left, collection, prefix], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str | None, collection: str, prefix: str) -> tuple[str | None, _Left]:
    if cursor is None:
        return None, []
    try:
        at, left, *scanned = cast("list[Any]", json.loads(urlsafe_b64decode(cursor)))
        if scanned == [collection, prefix]:
            return at, [(key, expires) for key, expires in left]
    except (TypeError, ValueError):
        pass
    raise ValueError("cursor must be one that scan returned for the same collection and prefix")
