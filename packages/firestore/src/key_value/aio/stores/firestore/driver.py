"""Google's asynchronous client: its exceptions, its retries, its channels, and what it lacks."""

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
    # A client that is used in another event loop than its own is a RuntimeError.
    ((GoogleAPIError, RuntimeError), KeyValueStoreError),
)

T = TypeVar("T")

RETRIED = (Aborted, ResourceExhausted, ServiceUnavailable)

Document: TypeAlias = tuple[str, dict[str, Any], datetime]
"""The path of a document, its fields, and when it was written last."""

_channels: Counter[int] = Counter()
"""How many channels each process has open, of those that stores use."""


def location_of(client: Any) -> str:
    """Return the project and the database of a client."""
    return f"{client.project}/{client._database}"


def transport_of(client: Any) -> Any:
    """Return the transport of a client, which has to be closed: `AsyncClient.close` closes no channel.

    The channel is made by the first look at it, for the running event loop.
    """
    return client._firestore_api.transport


@contextmanager
def count_channel() -> Generator[None]:
    """State that this process has a channel open while the block runs."""
    process = os.getpid()
    _channels[process] += 1
    try:
        yield
    finally:
        _channels[process] -= 1


def refuse_inherited_channels() -> None:
    """Refuse to go on in a forked process whose parent had a channel open: gRPC never answers there.

    Raises:
        StoreUnreachableError: It had one.
    """
    here = os.getpid()
    if any(count for process, count in _channels.items() if process != here):
        raise StoreUnreachableError(
            message="gRPC does not work in a process that was forked while a channel was open: "
            "close the store before the fork, or start the process with spawn"
        )


def default_retry(timeout: float | None) -> AsyncRetry:
    """Return how reads and plain writes are repeated: for a part of the timeout, with growing pauses."""
    seconds = 2.5 if timeout is None else timeout / 4
    return AsyncRetry(if_exception_type(*RETRIED), initial=0.1, maximum=1.0, multiplier=2.0, timeout=seconds)


def retry_of_aborted(timeout: float | None) -> AsyncRetry:
    """Return how conditional writes are repeated: only after an answer that says that nothing was written."""
    seconds = 2.5 if timeout is None else timeout / 4
    return AsyncRetry(if_exception_type(Aborted), initial=0.05, maximum=1.0, multiplier=2.0, timeout=seconds)


async def repeated(retry: AsyncRetry, call: Callable[[], Awaitable[T]]) -> T:
    """Await a call, and again as a retry says."""
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
        collection: The path of the collection; None lists all, nested ones too.
        bounds: Operators and the paths of documents that the listed ones are compared with.
        fields: The fields to read; they hold text or integers.
        limit: How many to list at most.
        timeout: Seconds that it may take.

    Returns:
        For each its path, its fields, and when it was written last.
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
