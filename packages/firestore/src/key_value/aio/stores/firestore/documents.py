"""The documents of a store in Firestore, in the format of the 0.5 series."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, cast

from key_value.aio.stores.base import Address, Row

FIELDS = ("version", "value", "created_at", "expires_at", "reap_at", "rev", "name")

LISTED = ("version", "created_at", "expires_at", "rev", "name")
"""The fields that a listing reads."""

LARGEST_DOCUMENT = 1_048_576
"""In bytes: https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields"""

LARGEST_VALUE = LARGEST_DOCUMENT - 89
"""Maximum size of one field in bytes."""

_LAST_SECOND = 253_402_300_799
"""The last second of a timestamp, in the year 9999."""


def fields_of(row: Row) -> dict[str, Any]:
    """Return the fields of a row's document."""
    fields: dict[str, Any] = {
        "version": 1,
        "value": row.value,
        "created_at": _iso(float(row.created or 0)),
        "rev": row.version,
    }
    if row.original is not None and row.original != row.address:
        # Truncated names cannot be decoded from the address.
        fields["name"] = json.dumps(row.original)
    if row.expires is not None:
        expires = float(row.expires)
        fields["expires_at"] = _iso(expires)
        # The 0.5 series expects text in `expires_at`, and a TTL policy a timestamp.
        last = min(math.ceil(expires), _LAST_SECOND)
        fields["reap_at"] = datetime.fromtimestamp(last, tz=timezone.utc)
    return fields


def row_of(path: str, fields: Mapping[str, Any], update_time: datetime) -> Row:
    """Return the row of a document.

    Args:
        path: Path of the document in its database.
        fields: Fields of the document.
        update_time: Time of its last write.
    """
    collection, _, key = path.rpartition("/")
    value = fields.get("value")
    return Row(
        collection,
        key,
        value if isinstance(value, str) else "",
        _text(fields.get("created_at")),
        _text(fields.get("expires_at")),
        version_of(update_time, _text(fields.get("rev")) or ""),
        _original(fields.get("name")),
    )


def version_of(update_time: datetime, rev: str) -> str:
    """Return the version of a document: its `rev`, and its update time, which Firestore compares.

    A write without changes keeps the previous update time, so each write has a new `rev`.
    """
    return f"{rev}/{update_time.isoformat()}"


def update_time_of(version: str) -> datetime | None:
    """Return the update time in a version; None if it is not the version of a document."""
    try:
        return datetime.fromisoformat(version.rpartition("/")[2])
    except ValueError:
        return None


def was_written_by(row: Row, written: Row) -> bool:
    """Return whether a stored row results from the given write."""
    return row.version.startswith(f"{written.version}/")


def room_for_value(row: Row) -> int:
    """Return the maximum size of the value in a row's document, in bytes.

    The sizes are those of https://firebase.google.com/docs/firestore/storage-size.
    """
    name = 16 + sum(len(part.encode()) + 1 for part in (*row.collection.split("/"), row.key))
    others = fields_of(row._replace(value=""))
    return min(LARGEST_DOCUMENT - 32 - name - sum(map(_size, others.items())), LARGEST_VALUE)


def _size(field: tuple[str, Any]) -> int:
    name, value = field
    return len(name) + 1 + (len(value) + 1 if isinstance(value, str) else 8)


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, tz=timezone.utc).isoformat()


def _original(name: object) -> Address | None:
    try:
        return Address(*cast("list[str]", json.loads(str(name)))) if name else None
    except (TypeError, ValueError):
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
