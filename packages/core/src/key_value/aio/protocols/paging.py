"""Iterate over the keys of a store in pages, if the store supports it."""

from collections.abc import AsyncIterator

from key_value.aio.protocols.abilities import AsyncEnumerateKeysProtocol, AsyncScanProtocol


async def pages(
    store: object, collection: str | None = None, *, prefix: str = "", size: int = 1000
) -> AsyncIterator[list[str]]:
    """Yield the keys of a collection in non-empty pages.

    A store that can scan is read page by page. For one that can only list its keys, all keys are held in
    memory at once.

    Args:
        store: Store to list.
        collection: Collection to list.
        prefix: Prefix of the keys, taken literally.
        size: Maximum number of keys in a page.

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
