"""The keys of a store in pages, if the store supports that."""

from collections.abc import AsyncIterator

from key_value.aio.cli.running import UnableError
from key_value.aio.protocols import AsyncEnumerateKeysProtocol, AsyncScanProtocol, paging


def pages(
    store: object, collection: str | None, *, prefix: str = "", size: int = 1000
) -> AsyncIterator[list[str]]:
    """Return the keys of a collection in pages; if the store cannot scan, all keys are held in memory.

    Args:
        store: The store.
        collection: The collection; None for the store's default.
        prefix: Prefix of the keys.
        size: Maximum number of keys per page.

    Raises:
        UnableError: The store cannot list keys.
    """
    if not isinstance(store, AsyncScanProtocol | AsyncEnumerateKeysProtocol):
        raise UnableError(store, "keys", ": its backend cannot list them")
    return paging.pages(store, collection, prefix=prefix, size=size)
