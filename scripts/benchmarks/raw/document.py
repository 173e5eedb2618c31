"""The stores' document, encoded and decoded directly with the json module."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any


def dump(value: Mapping[str, Any], ttl: float | None, **names: str) -> str:
    """Return the text of a value with its times, and with the names that the stores include."""
    now = datetime.now(timezone.utc)
    document: dict[str, Any] = {"created_at": now.isoformat(), "value": value, "version": 1, **names}
    if ttl is not None:
        document["expires_at"] = (now + timedelta(seconds=ttl)).isoformat()
    return json.dumps(document)


def load(text: str | bytes | None) -> dict[str, Any] | None:
    """Return the value of a text, unless it is missing or expired."""
    if text is None:
        return None
    document = json.loads(text)
    expires_at: str | None = document.get("expires_at")
    if expires_at and datetime.fromisoformat(expires_at) <= datetime.now(timezone.utc):
        return None
    return document["value"]
