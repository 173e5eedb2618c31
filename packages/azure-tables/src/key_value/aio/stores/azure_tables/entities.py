"""The entities of a store in Azure Tables, in the format of the 0.5 series."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, cast

from azure.data.tables import EdmType, EntityProperty

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base import Address, Row

Entity = dict[str, Any]

LONGEST_TEXT = 32_000
"""Maximum number of characters that are stored as text; a text property may have 32 Ki."""

PART = 64 * 1024
"""Maximum size of a binary property in bytes."""

LARGEST_DOCUMENT = 1_032_192
"""Maximum size of a document in bytes: an entity may have 1 MiB, of which names and times get 16 KiB.
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')

LISTED = ["PartitionKey", "RowKey", "Expires", "ExpiresAt", "Rev", "Collection", "Key"]
"""The properties that a listing reads."""


def document_of(row: Row) -> str:
    """Return the document of a row as the 0.5 series wrote it, in ASCII."""
    collection, key = row.original or row.address
    fields: dict[str, Any] = {"collection": collection, "key": key, "version": 1}
    fields["created_at"] = _iso(float(row.created or 0))
    if row.expires is not None:
        fields["expires_at"] = _iso(float(row.expires))
    return f'{json.dumps(fields)[:-1]}, "value": {row.value}}}'


def encode_row(row: Row) -> Entity:
    """Return the entity of a row whose value is its document."""
    entity: Entity = {"PartitionKey": row.collection, "RowKey": row.key, "Rev": row.version}
    entity["Created"] = float(row.created or 0)
    if row.expires is not None:
        expires = float(row.expires)
        entity["Expires"] = expires
        # The 0.5 series reads this property as the expiry time.
        entity["ExpiresAt"] = EntityProperty(math.ceil(expires), EdmType.INT64)
    if row.original is not None and row.original != row.address:
        # JSON text can represent lone surrogates, which a text property cannot.
        entity["Collection"], entity["Key"] = map(json.dumps, row.original)
    text: str = row.value
    if len(text) <= LONGEST_TEXT:
        entity["Value"] = text
    else:
        data = text.encode()
        for number, start in enumerate(range(0, len(data), PART)):
            entity[f"Value{number}"] = data[start : start + PART]
    return entity


def decode_entity(entity: Mapping[str, Any], etag: str) -> Row | None:
    """Return the row of an entity; None if the entity does not belong to a store.

    The value may be missing for a row of ours. Entities of other libraries are recognised by their document.
    """
    text = _text_of(entity)
    address = Address(entity["PartitionKey"], entity["RowKey"])
    rev = entity.get("Rev")
    if isinstance(rev, str):
        times = entity.get("Created"), entity.get("Expires")
        return Row(*address, text or "", *times, f"{rev} {etag}", _original(entity))
    if text is None:
        return None
    document = _loaded(text)
    collection, key = document.get("collection"), document.get("key")
    original = Address(collection, key) if isinstance(collection, str) and isinstance(key, str) else None
    expires = document.get("expires_at")
    expires = expires if isinstance(expires, str) else None
    row = Row(*address, text, document.get("created_at"), expires, f" {etag}", original)
    whole = entity.get("ExpiresAt")
    whole = whole.value if isinstance(whole, EntityProperty) else whole
    # The property takes precedence; it is in whole seconds, rounded down.
    return row if whole is None or _expires_within(row, whole) else row._replace(expires=float(whole))


def is_of_store(row: Row) -> bool:
    """Return whether a listed row is an entry, not data of another application in the table."""
    return not row.version.startswith(" ") or row.original is not None


def value_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value in a document.

    Raises:
        DeserializationError: The document has no value.
    """
    value = document.get("value")
    if not isinstance(value, dict):
        raise DeserializationError("The document has no object at value")
    return cast("dict[str, Any]", value)


def etag_of(version: str) -> str | None:
    """Return the ETag that follows the random text in a row's version; None if it is missing."""
    etag = version.partition(" ")[2]
    return etag if _ETAG.fullmatch(etag) else None


def _original(entity: Mapping[str, Any]) -> Address | None:
    """Return the names saved in an entity; None if they are missing or unreadable."""
    try:
        collection, key = json.loads(entity["Collection"]), json.loads(entity["Key"])
    except (KeyError, TypeError, ValueError):
        return None
    return Address(collection, key) if isinstance(collection, str) and isinstance(key, str) else None


def _text_of(entity: Mapping[str, Any]) -> str | None:
    text = entity.get("Value")
    if isinstance(text, str):
        return text
    parts: list[bytes] = []
    while isinstance(part := entity.get(f"Value{len(parts)}"), bytes):
        parts.append(part)
    return b"".join(parts).decode(errors="replace") if parts else None


def _loaded(text: str) -> dict[str, Any]:
    try:
        document: object = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _expires_within(row: Row, second: int) -> bool:
    try:
        expires = row.expires_epoch
    except DeserializationError:
        return False
    return expires is not None and int(expires) == second


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).isoformat()
