"""All operations that write or read a single entry, so that a test can run over each of them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, SupportsFloat, cast

from typing_extensions import Self

from key_value.aio.protocols.key_value import AsyncKeyValue, AsyncPutIfAbsentProtocol


class Store(AsyncKeyValue, Protocol):
    """The requirements of the suite for any store or wrapper: the eight operations and the lifecycle."""

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...


class Write(Protocol):
    """An operation that stores one entry under a key without an entry."""

    async def __call__(
        self,
        store: AsyncKeyValue,
        key: str,
        value: Mapping[str, Any],
        *,
        collection: str,
        ttl: SupportsFloat | None = None,
    ) -> None: ...


class Read(Protocol):
    """An operation that reads the value of one entry."""

    async def __call__(self, store: AsyncKeyValue, key: str, *, collection: str) -> dict[str, Any] | None: ...


async def _put(
    store: AsyncKeyValue,
    key: str,
    value: Mapping[str, Any],
    *,
    collection: str,
    ttl: SupportsFloat | None = None,
) -> None:
    await store.put(key, value, collection=collection, ttl=ttl)


async def _put_many(
    store: AsyncKeyValue,
    key: str,
    value: Mapping[str, Any],
    *,
    collection: str,
    ttl: SupportsFloat | None = None,
) -> None:
    await store.put_many([key], [value], collection=collection, ttl=ttl)


async def _put_if_absent(
    store: AsyncKeyValue,
    key: str,
    value: Mapping[str, Any],
    *,
    collection: str,
    ttl: SupportsFloat | None = None,
) -> None:
    await cast("AsyncPutIfAbsentProtocol", store).put_if_absent(key, value, collection=collection, ttl=ttl)


async def _get(store: AsyncKeyValue, key: str, *, collection: str) -> dict[str, Any] | None:
    return await store.get(key, collection=collection)


async def _get_many(store: AsyncKeyValue, key: str, *, collection: str) -> dict[str, Any] | None:
    [value] = await store.get_many([key], collection=collection)
    return value


async def _ttl(store: AsyncKeyValue, key: str, *, collection: str) -> dict[str, Any] | None:
    value, _ = await store.ttl(key, collection=collection)
    return value


async def _ttl_many(store: AsyncKeyValue, key: str, *, collection: str) -> dict[str, Any] | None:
    [(value, _)] = await store.ttl_many([key], collection=collection)
    return value


WRITES: dict[str, Write] = {"put": _put, "put_many": _put_many, "put_if_absent": _put_if_absent}
READS: dict[str, Read] = {"get": _get, "get_many": _get_many, "ttl": _ttl, "ttl_many": _ttl_many}
