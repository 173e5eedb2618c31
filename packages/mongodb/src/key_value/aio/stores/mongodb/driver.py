"""pymongo's asynchronous client: how it is made, its options, and its exceptions."""

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
"""Codes of the server: the credentials lack a permission, or are wrong; the last is that of Atlas."""

_CODE = re.compile(r"'code': (\d+)")

ERRORS = (
    (ServerSelectionTimeoutError, StoreUnreachableError),
    ((NetworkTimeout, ExecutionTimeout, WTimeoutError), StoreTimeoutError),
    # The write is in, but on fewer members than it was to be.
    (WriteConcernError, OutcomeUnknownError),
    ((ConnectionFailure, OSError), StoreConnectionError),
    (PyMongoError, KeyValueStoreError),
)

_QUOTING = ("errInfo", "keyValue", "op")
"""Details of an error that quote a document."""

CODEC: "CodecOptions[Document]" = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS
)
"""Milliseconds are exact, have no time zone and no last year; a given client may have any options."""

SELECTION = 0.5
"""The part of the timeout in which a server is to be found: then nothing was sent, which callers may know."""


def make_client(url: str | None, timeout: float | None, options: Mapping[str, Any]) -> Client:
    """Create a client that repeats no write by itself; what a URL says goes before that.

    Args:
        url: The URL; None is a server on this host.
        timeout: Seconds that a call may take; None leaves it to the driver.
        options: Further options of the client.
    """
    chosen: dict[str, Any] = {"retryWrites": False}
    if timeout is not None:
        milliseconds = max(1, int(timeout * 1000 * SELECTION))
        chosen |= {"serverSelectionTimeoutMS": milliseconds, "connectTimeoutMS": milliseconds}
    # A keyword would take the place of the same option in the URL.
    stated = {name.lower() for name, _ in parse_qsl(urlsplit(url or "").query)}
    chosen = {name: value for name, value in chosen.items() if name.lower() not in stated}
    return AsyncMongoClient(url, **{**chosen, **options})


def is_refusal(error: Exception) -> bool:
    """Return whether the server refuses the credentials, or they lack a permission.

    A server that has refused them is not selected for a while, as one that is down; only the text says why.
    """
    if isinstance(error, ServerSelectionTimeoutError):
        return any(int(code) in _REFUSALS for code in _CODE.findall(str(error)))
    return isinstance(error, OperationFailure) and error.code in _REFUSALS


def is_of_key(error: DuplicateKeyError) -> bool:
    """Return whether the index on the key has refused a document, and not one of somebody else's."""
    return [*(error.details or {}).get("keyPattern", ["key"])] == ["key"]


def hide_details(error: Exception) -> None:
    """Leave of an error of a write what the server says in words: its details, which logs show, quote it."""
    if isinstance(error, WriteError) and isinstance(error.details, dict):
        for name in _QUOTING:
            error.details.pop(name, None)
        error.args = (error.details.get("errmsg") or "the server refused a write",)


class Collections:
    """The collections of a database, each made once, since pymongo checks the name and options of each."""

    def __init__(self, database: Database) -> None:
        """Use a database of the running event loop."""
        self.database = database
        self.get = lru_cache(maxsize=1024)(database.get_collection)


def open_database(
    client: Client, name: str, write_concern: WriteConcern | None, read_concern: "ReadConcern | None"
) -> Database:
    """Return a database of acknowledged writes, and reads that see them, whatever the client's options.

    Args:
        client: The client.
        name: The database.
        write_concern: Which members acknowledge a write; None: the client's, or the primary if that is none.
        read_concern: How durable what is read must be; None is the client's.
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
    """Return a URL without its user, password and options, for a database.

    Raises:
        ValueError: It is no URL of MongoDB. The message has nothing of it, not to show a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("The MongoDB URL cannot be split: percent-encode its user and password") from None
    if parts.scheme not in {"mongodb", "mongodb+srv"}:
        raise ValueError("A MongoDB URL starts with mongodb:// or mongodb+srv://")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{database}"
