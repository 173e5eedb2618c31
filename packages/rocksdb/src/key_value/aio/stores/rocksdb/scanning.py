"""Walking through the addresses of a database, some at a time."""

import time
from collections.abc import Callable
from typing import NamedTuple

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.address import SEPARATOR, address, collection_at, collection_prefix, key_at
from key_value.aio.stores.base.documents import Head, is_living, read_head
from key_value.aio.stores.rocksdb.blobs import blob
from key_value.aio.stores.rocksdb.driver import Rdict, RdictIter, WriteBatch, WriteOptions

ENTRIES_AT_A_TIME = 1000
"""How many entries are looked at while others wait."""


class Page(NamedTuple):
    """What was found among some entries."""

    found: list[str]
    after: str | None
    """The address to go on at; None at the end."""


EMPTY = Page([], None)


def find_keys(rdict: Rdict, collection: str, start: str) -> Page:
    """The keys of the living entries of a collection, from an address on."""
    return _find(
        rdict,
        start,
        collection_prefix(collection),
        lambda place, data: key_at(place, collection) if is_living(data) else None,
    )


def find_collections(rdict: Rdict, start: str) -> Page:
    """The collections that have living entries, from an address on."""
    found: list[str] = []
    iterator = rdict.iter()
    iterator.seek(start)
    for _ in range(ENTRIES_AT_A_TIME):
        place = _place(iterator)
        if place is None:
            return Page(found, None)
        data = blob(iterator.value()) or b""
        collection = collection_at(place)
        if collection is not None and _is_own(place, data) and is_living(data):
            found.append(collection)
            # The first address beyond those that start with `collection::`.
            iterator.seek(place[: place.index(SEPARATOR)] + ":;")
        else:
            iterator.next()
    return Page(found, _place(iterator))


def remove(
    rdict: Rdict, options: WriteOptions | None, start: str, prefix: str, dooms: Callable[[Head], bool]
) -> Page:
    """Remove entries of ours, known by the names they give themselves, from an address on.

    Args:
        rdict: The database.
        options: How to write.
        start: The first address.
        prefix: What the addresses start with.
        dooms: Whether an entry is to be removed, by the head of its document.

    Returns:
        The addresses of those that were removed.
    """
    page = _find(rdict, start, prefix, lambda place, data: place if _is_own(place, data, dooms) else None)
    if page.found:
        batch = WriteBatch()
        for place in page.found:
            batch.delete(place)
        rdict.write(batch, options)
    return page


def has_expired(head: Head) -> bool:
    """Whether an entry has expired."""
    return head.expires_epoch is not None and head.expires_epoch <= time.time()


def _find(rdict: Rdict, start: str, prefix: str, pick: Callable[[str, bytes], str | None]) -> Page:
    found: list[str] = []
    iterator = rdict.iter()
    iterator.seek(start)
    for _ in range(ENTRIES_AT_A_TIME):
        place = _place(iterator)
        if place is None or not place.startswith(prefix):
            return Page(found, None)
        picked = pick(place, blob(iterator.value()) or b"")
        if picked is not None:
            found.append(picked)
        iterator.next()
    return Page(found, _place(iterator))


def _place(iterator: RdictIter) -> str | None:
    """The address that an iterator is at; None at the end of them."""
    if not iterator.valid():
        iterator.status()
        return None
    place = iterator.key()
    # All keys that are strings lie together.
    return place if isinstance(place, str) else None


def _is_own(place: str, data: bytes, dooms: Callable[[Head], bool] = lambda _: True) -> bool:
    try:
        head = read_head(data)
    except DeserializationError:
        return False
    if head.collection is None or head.key is None:
        return False
    return address(head.collection, head.key) == place and dooms(head)
