"""Walking through the keys of a database that others may use as well."""

import re
from collections.abc import AsyncIterator, Container, Sequence

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.address import SEPARATOR, address, collection_at, collection_prefix
from key_value.aio.stores.base.encoding import decode
from key_value.aio.stores.redis.batches import read, remove
from key_value.aio.stores.redis.client import RAW
from key_value.aio.stores.redis.commands import Commands

SCAN_COUNT = 1000
"""How many keys Redis looks at for one answer."""

_GLOB = re.compile(rb"[*?\[\]^\\-]")


async def scan(commands: Commands, collection: str | None = None) -> AsyncIterator[list[str]]:
    """Walk through addresses, some at a time and some of them twice.

    Args:
        commands: How to ask.
        collection: The collection whose addresses to walk through; None walks through all.
    """
    prefix = b"*" + SEPARATOR.encode()
    if collection is not None:
        prefix = _GLOB.sub(rb"\\\g<0>", collection_prefix(collection).encode())
    found: list[str] = []
    async for name in commands.client.scan_iter(match=prefix + b"*", count=SCAN_COUNT, _type="string", **RAW):
        try:
            found.append(name.decode())
        except UnicodeDecodeError:
            # Nothing that was stored here is called so.
            continue
        if len(found) >= SCAN_COUNT:
            yield found
            found = []
    if found:
        yield found


async def remove_own(commands: Commands, collection: str | None = None) -> bool:
    """Remove entries of ours, known by the names they give themselves; True where there were any."""
    removed = 0
    async for some in scan(commands, collection):
        stored = await read(commands, some)
        ours = [place for place, data in zip(some, stored, strict=True) if await _is_own(place, data)]
        if ours:
            removed += await remove(commands, ours)
    return removed > 0


async def own_collections(commands: Commands, addresses: Sequence[str], known: Container[str]) -> set[str]:
    """The collections, besides those known, that have an entry of ours at one of several addresses."""
    found: set[str] = set()
    places: dict[str, list[str]] = {}
    for place in addresses:
        collection = collection_at(place)
        if collection is not None and collection not in known:
            places.setdefault(collection, []).append(place)
    # One entry of each is enough, unless it is somebody else's.
    while places:
        some = {left.pop(): collection for collection, left in places.items()}
        stored = await read(commands, list(some))
        for (place, collection), data in zip(some.items(), stored, strict=True):
            if await _is_own(place, data):
                found.add(collection)
        places = {name: left for name, left in places.items() if left and name not in found}
    return found


async def _is_own(place: str, data: bytes | None) -> bool:
    """Whether what lies at an address is an entry that says it belongs there."""
    if data is None:
        return False
    try:
        document = await decode(data)
    except DeserializationError:
        return False
    collection, key = document.get("collection"), document.get("key")
    return isinstance(collection, str) and isinstance(key, str) and address(collection, key) == place
