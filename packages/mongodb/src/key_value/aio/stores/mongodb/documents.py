"""The documents of a store in MongoDB, in the format of the 0.5 series."""

import json
import math
from collections.abc import Iterable
from typing import Any, cast

from bson import DBRef, encode
from bson.datetime_ms import DatetimeMS
from bson.errors import InvalidDocument

from key_value.aio.errors import DeserializationError, SerializationError
from key_value.aio.stores.base import Row

MAXIMUM_DEPTH = 150
"""Maximum depth of a value in BSON. MongoDB documents 100 levels per document and rejects more than 180."""

LARGEST_DOCUMENT = 16 * 1024 * 1024

LISTED = {"collection": 1, "key": 1, "created_at": 1, "expires_at": 1, "write_id": 1}
"""Projection of the fields that a listing reads."""


def encode_row(row: Row) -> Row:
    """Return a row with its whole document as its value, and with its version.

    A value that BSON does not support, such as an integer beyond 64 bits, is stored as JSON text.

    Raises:
        SerializationError: The document is too large.
    """
    created = _milliseconds(float(row.created or 0))
    collection = (row.original or row.address).collection
    document: dict[str, Any] = {
        "key": row.key,
        "collection": collection if _is_utf8(collection) else row.collection,
        "version": 1,
        "created_at": DatetimeMS(created),
        "write_id": row.version,
    }
    if row.expires is not None:
        document["expires_at"] = DatetimeMS(_milliseconds(float(row.expires)))
    value = json.loads(row.value)
    try:
        data = encode(document | {"value": {"object": value}})
    except (InvalidDocument, OverflowError, ValueError):
        data = None
    if data is None or _is_too_deep(row.value, value):
        data = encode(document | {"value": {"json": row.value}})
    if len(data) > LARGEST_DOCUMENT:
        raise SerializationError(
            message=f"MongoDB limits documents to 16 MiB; this one has {len(data)} bytes"
        )
    return row._replace(value=data, version=f"{row.version}/{created}")


def decode_row(collection: str, document: dict[str, Any]) -> Row:
    """Return the row of a document; its value is not decoded yet."""
    created = document.get("created_at")
    milliseconds = int(created) if isinstance(created, DatetimeMS) else ""
    return Row(
        collection,
        document["key"],
        document.get("value"),
        _seconds(created),
        _seconds(document.get("expires_at")),
        f"{document.get('write_id', '')}/{milliseconds}",
    )


def json_text(value: object) -> str | None:
    """Return the JSON text of a value that is stored as text, or None."""
    text = cast("dict[str, Any]", value).get("json") if isinstance(value, dict) else None
    return text if isinstance(text, str) else None


def decode_value(value: object) -> dict[str, Any]:
    """Return the value of an entry that is stored as BSON.

    Raises:
        DeserializationError: The document was not written by a store.
    """
    held = cast("dict[str, Any]", value).get("object") if isinstance(value, dict) else None
    if not isinstance(held, dict):
        raise DeserializationError("Value field not found: the document has no object at value.object")
    return cast("dict[str, Any]", _plain(cast("dict[str, Any]", held)))


def has_version(key: str, version: str) -> dict[str, Any]:
    """Return the filter for the document of a key with a given version.

    When the 0.5 series overwrites a document, it keeps our random text but changes the time.
    """
    written, _, created = version.rpartition("/")
    # A comparison with None matches a missing field.
    return {
        "key": key,
        "write_id": written or None,
        "created_at": DatetimeMS(int(created)) if created.isdecimal() else None,
    }


def moment(epoch: float) -> DatetimeMS:
    """Return a time as a BSON date."""
    return DatetimeMS(int(epoch * 1000))


def _is_too_deep(text: str, value: object) -> bool:
    if text.count("{") + text.count("[") <= MAXIMUM_DEPTH:
        return False
    level: list[Any] = [value]
    for _ in range(MAXIMUM_DEPTH):
        level = [item for container in level for item in _items(container) if isinstance(item, (dict, list))]
    return bool(level)


def _items(container: Any) -> Iterable[Any]:
    return cast("dict[str, Any]", container).values() if isinstance(container, dict) else container


def _plain(value: Any) -> Any:
    """Convert a BSON value to a JSON value of plain Python types."""
    kind = type(cast("object", value))
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if kind is dict:
        return {name: _plain(item) for name, item in value.items()}
    if kind is list:
        return [_plain(item) for item in value]
    if isinstance(value, int):
        # pymongo has a separate type for 64-bit integers.
        return int(value)
    if isinstance(value, DBRef):
        return {name: _plain(item) for name, item in value.as_doc().items()}
    raise DeserializationError(f"The value holds a {kind.__name__}, which JSON cannot represent")


def _milliseconds(epoch: float) -> int:
    """Return a time in BSON's milliseconds, rounded up so that nothing expires early."""
    return math.ceil(epoch * 1000)


def _seconds(value: object) -> float | str | None:
    return int(value) / 1000 if isinstance(value, DatetimeMS) else None if value is None else str(value)


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
