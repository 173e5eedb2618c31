"""The base class of stores that keep bytes at an address and can list addresses."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from typing_extensions import override

from key_value.aio.stores.base.bytes_store import BytesStore, header_of
from key_value.aio.stores.base.names import Address
from key_value.aio.stores.base.paged_store import (
    ENTRIES_PER_PAGE,
    Listed,
    ListedPage,
    PagedKeysStore,
    PagedStore,
)

_LAST = "\U0010ffff"


class AddressPage(NamedTuple):
    """One page of the addresses that start with a prefix."""

    items: Sequence[tuple[str, bytes | None]]
    """Addresses, each with its bytes if the backend returned them as well."""
    cursor: str | None
    """Start of the next page; None on the last page."""


class PagedKeysBytesStore(BytesStore, PagedKeysStore, ABC):
    """A `BytesStore` that can list the addresses of a collection, but not necessarily all collections."""

    lists_unreadable: ClassVar[bool] = False
    """Whether the backend holds only entries; unreadable ones are then listed, but never removed."""

    @abstractmethod
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        """Hook: list addresses.

        An address that exists from the first page to the last must be on at least one page, and may be on
        several.

        Args:
            prefix: Prefix of the addresses, taken literally.
            cursor: Cursor returned with the previous page; None for the first page.
            limit: Number of addresses wanted; a page may have fewer, none, or slightly more.
        """

    @override
    async def _list_page(
        self, *, collection: str | None, prefix: str, cursor: str | None, limit: int
    ) -> ListedPage:
        starts = [""] if collection is None else self.names.starts(collection, prefix)
        index, at = (0, None) if cursor is None else (int(cursor[0]), cursor[1:] or None)
        page = await self._fetch(self._list, starts[index], at, limit)
        entries = [
            entry
            for entry in await self._entries(page.items)
            if collection is None or entry.collection == collection
        ]
        if page.cursor is not None:
            return ListedPage(entries, f"{index}{page.cursor}")
        return ListedPage(entries, str(index + 1) if index + 1 < len(starts) else None)

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        addresses = [address for address, _ in (entry.handle for entry in entries)]
        keys = [entry.key for entry in entries]

        async def remove(part: slice) -> Sequence[object]:
            return await self._change(addresses[part], lambda: self._remove_many(addresses[part]))

        if not if_unchanged:
            await self._in_parts("delete", keys, [0] * len(keys), remove)
            return
        listed: list[tuple[str, bytes]] = [entry.handle for entry in entries]
        for result in await self._each(lambda each: self._remove_unchanged(*each), listed):
            if isinstance(result, Exception):
                raise result

    async def _entries(self, items: Sequence[tuple[str, bytes | None]]) -> list[Listed]:
        """Return the entries at addresses, reading the documents that were not returned with them."""
        unread = [address for address, data in items if data is None]
        read: dict[str, bytes | None] = {}
        if unread:
            found = await self._in_parts(
                "list",
                unread,
                [0] * len(unread),
                lambda part: self._fetch(self._read_many, unread[part]),
            )
            read = dict(zip(unread, found, strict=True))
        documents = ((address, read.get(address) if data is None else data) for address, data in items)
        entries = [self._listed(address, data) for address, data in documents if data is not None]
        return [entry for entry in entries if entry is not None]

    def _listed(self, address: str, data: bytes) -> Listed | None:
        """Return the entry of a document, if it is recorded there as the entry of that address."""
        header = header_of(data)
        if header is None:
            found = self.names.entry(address) if self.lists_unreadable else None
            return None if found is None else Listed(*found, None)
        entry = self._entry_at(address, header.collection, header.key)
        return None if entry is None else Listed(*entry, header.expires, (address, data))

    def _entry_at(self, address: str, collection: str | None, key: str | None) -> Address | None:
        """Hook: return the entry of a document, from its address and the names in it, or None."""
        if collection is not None and key is not None:
            return Address(collection, key) if self.names.is_of(address, collection, key) else None
        found = self.names.entry(address)
        is_ours = found is not None and self._names_in_document(*found) == (collection, key)
        return found if is_ours else None


class PagedBytesStore(PagedKeysBytesStore, PagedStore, ABC):
    """A `BytesStore` whose backend can list the addresses that start with a prefix.

    A document names its entry, and an address belongs to the store if it is that entry's. Other data next to
    it is neither listed nor removed.
    """

    lists_in_order: ClassVar[bool] = False
    """Whether addresses are listed in the order of their UTF-8 bytes, after a cursor that may be any text."""

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        if not self.lists_in_order:
            return await super()._get_collection_names(limit=limit)
        names: dict[str, None] = {}
        cursor: str | None = None
        wanted = 1
        while limit is None or len(names) < limit:
            page = await self._fetch(self._list, "", cursor, wanted)
            entries = await self._entries(page.items)
            ours = [each for each in entries if each.handle is not None and not each.is_expired]
            names.update((each.collection, None) for each in ours)
            if page.cursor is None:
                break
            cursor = page.cursor
            # Skip the rest of a collection that is already known.
            if ours and entries[-1].collection in names:
                cursor = max(cursor, self.names.prefix(entries[-1].collection) + _LAST)
            wanted = 1 if ours else min(2 * wanted, ENTRIES_PER_PAGE)
        return list(names)
