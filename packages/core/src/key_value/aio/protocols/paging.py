"""Walk through the keys of a store in pages, as far as the store allows it."""

from collections.abc import AsyncIterator

from key_value.aio.protocols.abilities import AsyncEnumerateKeysProtocol, AsyncScanProtocol


async def pages(
    store: object, collection: str | None = None, *, prefix: str = "", size: int = 1000
) -> AsyncIterator[list[str]]:
    """Yield the keys of a collection in pages that are not empty.

    A store that can scan is read page by page; of one that can only list its keys, all are held at once.

    Args:
        store: The store.
        collection: The collection to list.
        prefix: What the keys start with, taken literally.
        size: How many keys a page has at most.

    Raises:
        TypeError: The store can neither scan nor list its keys.
    """
    if isinstance(store, AsyncScanProtocol):
        cursor = None
        while True:
            keys, cursor = await store.scan(collection, prefix=prefix, cursor=cursor, limit=size)
            if keys:
                yield keys
            if cursor is None:
                return
    if not isinstance(store, AsyncEnumerateKeysProtocol):
        raise TypeError(f"{type(store).__name__} cannot list its keys")
    keys = [key for key in await store.keys(collection) if key.startswith(prefix)]
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
