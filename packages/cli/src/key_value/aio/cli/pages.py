"""The keys of a store in pages, as far as the store allows it."""

from collections.abc import AsyncGenerator

from key_value.aio.cli.running import UnableError
from key_value.aio.protocols import AsyncEnumerateKeysProtocol, AsyncScanProtocol


async def pages(
    store: object, collection: str | None, *, prefix: str = "", size: int = 1000
) -> AsyncGenerator[list[str]]:
    """Yield the keys of a collection; of a store that cannot scan, all are held at once.

    Args:
        store: The store.
        collection: The collection; None is the store's default.
        prefix: What the keys start with.
        size: How many keys a page has at most.

    Raises:
        UnableError: The store cannot list keys.
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
        raise UnableError(store, "keys", ": its backend cannot list them")
    found = [key for key in await store.keys(collection) if key.startswith(prefix)]
    for start in range(0, len(found), size):
        yield found[start : start + size]
