"""pymongo's asynchronous client: how it is created, its options, and its exceptions."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.read_concern import ReadConcern

__all__ = [
    "ERRORS",
    "Collection",
    "Collections",
    "hide_details",
    "is_of_key",
    "is_refusal",
    "location_of",
    "make_client",
    "open_database",
]

Document: TypeAlias = dict[str, Any]
Client: TypeAlias = "AsyncMongoClient[Any]"
Database: TypeAlias = "AsyncDatabase[Document]"
Collection: TypeAlias = "AsyncCollection[Document]"

_REFUSALS = frozenset({13, 18, 8000})
"""Server error codes for missing permissions and wrong credentials; the last one is from Atlas."""

_CODE = re.compile(r"'code': (\d+)")

ERRORS = (
    (ServerSelectionTimeoutError, StoreUnreachableError),
    ((NetworkTimeout, ExecutionTimeout, WTimeoutError), StoreTimeoutError),
    # The write was applied, but on fewer members than requested.
    (WriteConcernError, OutcomeUnknownError),
    ((ConnectionFailure, OSError), StoreConnectionError),
    (PyMongoError, KeyValueStoreError),
)

_QUOTING = ("errInfo", "keyValue", "op")
"""Error details that quote a document."""

CODEC: "CodecOptions[Document]" = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS
)
"""Milliseconds are exact, have no time zone and no last year. A client passed in may have other options."""

SELECTION = 0.5
"""Fraction of the timeout for finding a server; if none is found, the error states that nothing was sent."""


def make_client(url: str | None, timeout: float | None, options: Mapping[str, Any]) -> Client:
    """Create a client that retries no write by itself, unless the URL requests it.

    Args:
        url: Server URL; None connects to localhost.
        timeout: Maximum duration of a call, in seconds; None leaves it to the driver.
        options: Further options of the client.
    """
    chosen: dict[str, Any] = {"retryWrites": False}
    if timeout is not None:
        milliseconds = max(1, int(timeout * 1000 * SELECTION))
        chosen |= {"serverSelectionTimeoutMS": milliseconds, "connectTimeoutMS": milliseconds}
    # A keyword argument would override the same option in the URL.
    stated = {name.lower() for name, _ in parse_qsl(urlsplit(url or "").query)}
    chosen = {name: value for name, value in chosen.items() if name.lower() not in stated}
    return AsyncMongoClient(url, **{**chosen, **options})


def is_refusal(error: Exception) -> bool:
    """Return whether the server rejects the credentials, or they lack a permission.

    A server that has rejected them is not selected for a while, as if it were down; only the error message
    states the reason.
    """
    if isinstance(error, ServerSelectionTimeoutError):
        return any(int(code) in _REFUSALS for code in _CODE.findall(str(error)))
    return isinstance(error, OperationFailure) and error.code in _REFUSALS


def is_of_key(error: DuplicateKeyError) -> bool:
    """Return whether the index on the key rejected a document, not an index of another application."""
    return [*(error.details or {}).get("keyPattern", ["key"])] == ["key"]


def hide_details(error: Exception) -> None:
    """Reduce a write error to the server's message, because its details quote the document in logs."""
    if isinstance(error, WriteError) and isinstance(error.details, dict):
        for name in _QUOTING:
            error.details.pop(name, None)
        error.args = (error.details.get("errmsg") or "the server rejected a write",)


class Collections:
    """The collections of a database, cached because pymongo validates the name and options of each."""

    def __init__(self, database: Database) -> None:
        """Initialize with a database of the running event loop."""
        self.database = database
        self.get = lru_cache(maxsize=1024)(database.get_collection)


def open_database(
    client: Client, name: str, write_concern: WriteConcern | None, read_concern: "ReadConcern | None"
) -> Database:
    """Return a database with acknowledged writes, and reads that see them, whatever the client's options.

    Args:
        client: The client.
        name: Database name.
        write_concern: Members that must acknowledge a write; None uses the client's write concern, or the
            primary if the client does not require acknowledgement.
        read_concern: Durability required of read data; None uses the client's read concern.
    """
    concern = write_concern or client.write_concern
    return client.get_database(
        name,
        codec_options=CODEC,
        read_preference=ReadPreference.PRIMARY,
        write_concern=concern if concern.acknowledged else WriteConcern(w=1),
        read_concern=read_concern,
    )


def location_of(url: str, database: str) -> str:
    """Return the URL of a database, without user name, password and options.

    Raises:
        ValueError: The URL is not a MongoDB URL. The message does not quote it, to protect the password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(
            "The MongoDB URL cannot be parsed: percent-encode the user name and the password"
        ) from None
    if parts.scheme not in {"mongodb", "mongodb+srv"}:
        raise ValueError("A MongoDB URL must begin with mongodb:// or mongodb+srv://")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{database}"
