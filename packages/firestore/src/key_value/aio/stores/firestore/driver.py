"""Google's asynchronous client: its exceptions, retries and channels, and a query that it lacks."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast

from google.api_core.exceptions import (
    Aborted,
    Cancelled,
    Forbidden,
    GatewayTimeout,
    GoogleAPIError,
    ResourceExhausted,
    ServerError,
    ServiceUnavailable,
    Unauthorized,
)
from google.api_core.retry import AsyncRetry, if_exception_type
from google.auth.exceptions import GoogleAuthError, TransportError
from grpc import RpcError
from grpc.aio import UsageError

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

ERRORS = (
    (GatewayTimeout, StoreTimeoutError),
    ((Aborted, Cancelled, ResourceExhausted, ServerError, TransportError), StoreConnectionError),
    (UsageError, KeyValueStoreError),
    (RpcError, StoreConnectionError),
    ((Forbidden, Unauthorized, GoogleAuthError), StoreAuthenticationError),
    # A client that is used in the wrong event loop raises RuntimeError.
    ((GoogleAPIError, RuntimeError), KeyValueStoreError),
)

T = TypeVar("T")

RETRIED = (Aborted, ResourceExhausted, ServiceUnavailable)

Document: TypeAlias = tuple[str, dict[str, Any], datetime]
"""The path of a document, its fields, and the time of its last write."""

_channels: Counter[int] = Counter()
"""Number of channels that stores have open, by process."""


def location_of(client: Any) -> str:
    """Return the project and the database of a client."""
    return f"{client.project}/{client._database}"


def transport_of(client: Any) -> Any:
    """Return the transport of a client, which must be closed because `AsyncClient.close` closes no channel.

    The channel is created on first access, for the running event loop.
    """
    return client._firestore_api.transport


@contextmanager
def count_channel() -> Generator[None]:
    """Record that this process has a channel open while the block runs."""
    process = os.getpid()
    _channels[process] += 1
    try:
        yield
    finally:
        _channels[process] -= 1


def refuse_inherited_channels() -> None:
    """Raise in a forked process whose parent had a channel open, because gRPC never responds there.

    Raises:
        StoreUnreachableError: The parent had a channel open.
    """
    here = os.getpid()
    if any(count for process, count in _channels.items() if process != here):
        raise StoreUnreachableError(
            message="gRPC does not work in a process that was forked while a channel was open: "
            "close the store before forking, or start the process with spawn"
        )


def default_retry(timeout: float | None) -> AsyncRetry:
    """Return the retry policy of reads and plain writes: growing delays, for a part of the timeout."""
    seconds = 2.5 if timeout is None else timeout / 4
    return AsyncRetry(if_exception_type(*RETRIED), initial=0.1, maximum=1.0, multiplier=2.0, timeout=seconds)


def retry_of_aborted(timeout: float | None) -> AsyncRetry:
    """Return the retry policy of conditional writes: only after a response that nothing was written."""
    seconds = 2.5 if timeout is None else timeout / 4
    return AsyncRetry(if_exception_type(Aborted), initial=0.05, maximum=1.0, multiplier=2.0, timeout=seconds)


async def repeated(retry: AsyncRetry, call: Callable[[], Awaitable[T]]) -> T:
    """Await a call under a retry policy."""
    wrapped = cast("Callable[[], Awaitable[T]]", retry(call))
    return await wrapped()


async def list_documents(
    client: Any,
    collection: str | None,
    *,
    bounds: Sequence[tuple[str, str]],
    fields: Sequence[str],
    limit: int,
    timeout: float | None,
) -> list[Document]:
    """List documents in the order of their paths.

    The client's own queries cannot list all documents of a database.

    Args:
        client: The client.
        collection: Path of the collection; None lists all, including nested ones.
        bounds: Operators and document paths that the listed documents are compared with.
        fields: Fields to read, which hold text or integers.
        limit: Maximum number of documents.
        timeout: Maximum duration, in seconds.

    Returns:
        The path, the fields and the time of the last write of each document.
    """
    root = f"{client._database_string}/documents"
    parent, _, name = (collection or "").rpartition("/")
    query = {
        "select": {"fields": [{"field_path": field} for field in fields]},
        "from_": [{"collection_id": name, "all_descendants": collection is None}],
        "order_by": [{"field": {"field_path": "__name__"}, "direction": "ASCENDING"}],
        "limit": limit,
        **_where([(operator, f"{root}/{path}") for operator, path in bounds]),
    }
    stream = await client._firestore_api.run_query(
        {"parent": f"{root}/{parent}" if parent else root, "structured_query": query},
        metadata=client._rpc_metadata,
        retry=None,
        timeout=timeout,
    )
    documents = [answer.document async for answer in stream if answer.document.name]
    return [(each.name.removeprefix(f"{root}/"), _plain(each.fields), each.update_time) for each in documents]


def _where(bounds: Sequence[tuple[str, str]]) -> dict[str, Any]:
    filters = [
        {
            "field_filter": {
                "field": {"field_path": "__name__"},
                "op": operator,
                "value": {"reference_value": name},
            }
        }
        for operator, name in bounds
    ]
    return {"where": {"composite_filter": {"op": "AND", "filters": filters}}} if filters else {}


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.string_value or value.integer_value for name, value in fields.items()}
