"""The commands that read and write entries."""

from collections.abc import Mapping, Sequence
from typing import Any

from key_value.aio.cli.output import in_terminal, show_error, show_json, show_names, show_text
from key_value.aio.cli.pages import pages
from key_value.aio.cli.running import ExitCode, UnableError
from key_value.aio.protocols import (
    AsyncCullProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncPutIfAbsentProtocol,
)
from key_value.aio.urls import open_store


async def get(url: str, key: str, collection: str | None) -> ExitCode:
    """Print the value of a key."""
    async with open_store(url) as store:
        value = await store.get(key, collection=collection)
    if value is None:
        return _absent()
    show_json(value)
    return ExitCode.OK


async def ttl(url: str, key: str, collection: str | None) -> ExitCode:
    """Print the remaining TTL of an entry in seconds; null if it never expires."""
    async with open_store(url) as store:
        value, seconds = await store.ttl(key, collection=collection)
    if value is None:
        return _absent()
    if in_terminal():
        show_text("never expires" if seconds is None else f"{seconds:.3f} s")
    else:
        show_json(seconds)
    return ExitCode.OK


async def put(
    url: str,
    key: str,
    value: Mapping[str, Any],
    collection: str | None,
    *,
    seconds: float | None,
    if_absent: bool,
) -> ExitCode:
    """Store a value, optionally only if the key has no entry."""
    async with open_store(url) as store:
        if not if_absent:
            await store.put(key, value, collection=collection, ttl=seconds)
            return ExitCode.OK
        if not isinstance(store, AsyncPutIfAbsentProtocol):
            raise UnableError(store, "put_if_absent")
        done = await store.put_if_absent(key, value, collection=collection, ttl=seconds)
    if not done:
        show_error("The entry already exists")
    return ExitCode.OK if done else ExitCode.ABSENT


async def delete(url: str, keys: Sequence[str], collection: str | None) -> ExitCode:
    """Delete entries, and print the number of deleted entries."""
    different = list(dict.fromkeys(keys))
    async with open_store(url) as store:
        count = await store.delete_many(different, collection=collection)
    show_json(count)
    return ExitCode.OK if count == len(different) else ExitCode.ABSENT


async def keys(url: str, collection: str | None, prefix: str) -> ExitCode:
    """Print the keys of a collection, page by page."""
    async with open_store(url) as store:
        async for page in pages(store, collection, prefix=prefix):
            show_names(page)
    return ExitCode.OK


async def collections(url: str) -> ExitCode:
    """Print the collections of a store."""
    async with open_store(url) as store:
        if not isinstance(store, AsyncEnumerateCollectionsProtocol):
            raise UnableError(store, "collections")
        show_names(sorted(await store.collections()))
    return ExitCode.OK


async def cull(url: str) -> ExitCode:
    """Remove expired entries."""
    async with open_store(url) as store:
        if not isinstance(store, AsyncCullProtocol):
            raise UnableError(store, "cull")
        await store.cull()
    return ExitCode.OK


def _absent() -> ExitCode:
    show_error("There is no such entry")
    return ExitCode.ABSENT
