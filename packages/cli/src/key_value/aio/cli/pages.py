"""The keys of a store in pages, as far as the store allows it."""

from collections.abc import AsyncIterator

from key_value.aio.cli.running import UnableError
from key_value.aio.protocols import AsyncEnumerateKeysProtocol, AsyncScanProtocol, paging


def pages(
    store: object, collection: str | None, *, prefix: str = "", size: int = 1000
) -> AsyncIterator[list[str]]:
    """Return the keys of a collection in pages; of a store that cannot scan, all are held at once.

    Args:
        store: The store.
        collection: The collection; None is the store's default.
        prefix: What the keys start with.
        size: How many keys a page has at most.

    Raises:
        UnableError: The store cannot list keys.
    """
    if not isinstance(store, AsyncScanProtocol | AsyncEnumerateKeysProtocol):
        raise UnableError(store, "keys", ": its backend cannot list them")
    return paging.pages(store, collection, prefix=prefix, size=size)
