"""azure-data-tables: how its client is created, and its exceptions."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.data.tables.aio import TableClient

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

ERRORS = (
    (ServiceRequestTimeoutError, StoreUnreachableError),
    (ServiceResponseTimeoutError, StoreTimeoutError),
    (
        (ServiceRequestError, ServiceResponseError, IncompleteReadError, aiohttp.ClientError),
        StoreConnectionError,
    ),
    (AzureError, KeyValueStoreError),
)

OPTIONS: Mapping[str, Any] = {"retry_total": 2, "connection_timeout": 5, "read_timeout": 10}
"""Options of a client that the store creates; the driver's defaults would wait for five minutes."""

ONCE: Mapping[str, Any] = {"retry_total": 0}
"""Options of a call without retries."""

TABLE_NOT_FOUND = "TableNotFound"
TABLE_EXISTS = "TableAlreadyExists"
ENTITY_EXISTS = "EntityAlreadyExists"

_BUSY = frozenset({429, 503})
_FAILED = frozenset({408, 500, 502, 504})
_REFUSED = frozenset({401, 403})
_TOO_LARGE = frozenset({"EntityTooLarge", "PropertyValueTooLarge", "RequestBodyTooLarge"})


def make_client(
    table: str,
    connection_string: str | None,
    endpoint: str | None,
    credential: Any,
    options: Mapping[str, Any],
) -> TableClient:
    """Create a client without sending anything."""
    chosen = {**OPTIONS, **options}
    if connection_string is not None:
        return TableClient.from_connection_string(connection_string, table, **chosen)
    return TableClient(endpoint or "", table, credential=credential, **chosen)


def account_of(connection_string: str) -> str:
    """Return the endpoint or account in a connection string, without any secrets.

    Raises:
        ValueError: The string is not a connection string.
    """
    parts = [part.partition("=") for part in connection_string.split(";")]
    for wanted in ("tableendpoint", "accountname", "usedevelopmentstorage"):
        for name, _, value in parts:
            if name.lower() == wanted and value:
                return value
    raise ValueError("The connection string contains neither AccountName nor TableEndpoint")


def code_of(error: HttpResponseError) -> str | None:
    """Return the error code of the service, which the driver reads from some responses only."""
    code = getattr(error, "error_code", None)
    if code is not None:
        return str(getattr(code, "value", code))
    response: Any = error.response
    return None if response is None else response.headers.get("x-ms-error-code")


def service_error(error: HttpResponseError) -> KeyValueStoreError:
    """Return the store error for an error response of the service."""
    code, status = code_of(error), error.status_code
    said = code or error.reason or "an error"
    if status in _BUSY:
        return StoreUnreachableError(
            message=f"Azure Tables is busy and did not process the request: {status} {said}"
        )
    if status in _FAILED:
        return StoreConnectionError(message=f"Azure Tables failed: {status} {said}")
    if status in _REFUSED:
        return StoreAuthenticationError(
            message=f"Azure Tables rejects the credentials, or they lack a permission: {status} {said}"
        )
    if code == TABLE_NOT_FOUND:
        message = "The table does not exist."
    elif status == 413 or code in _TOO_LARGE:
        message = f"The entry is too large for Azure Tables: {status} {said}"
    else:
        message = f"Azure Tables rejected the request: {status} {said}"
    return KeyValueStoreError(message=message)


def was_unreachable(error: BaseException) -> bool:
    """Return whether no connection was established."""
    return isinstance(error, ServiceRequestError) and isinstance(
        error.inner_exception, aiohttp.ClientConnectorError
    )
