"""Format log records of operations."""

import json
from collections.abc import Mapping
from typing import Any, cast

from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio.wrappers.base import Call

_UNSHOWABLE = (TypeError, ValueError, RecursionError)
"""Errors of a value that contains itself or is nested too deeply; the store rejects it as well."""

Fields = Mapping[str, Any]
"""`value`, if there is one to log, and `extra`, which may be empty."""


def text(status: str, call: Call, fields: Fields) -> str:
    """Return a record as text."""
    collection = _escaped(call.collection or DEFAULT_COLLECTION_NAME)
    keys = f" keys='{_escaped(_names(call))}'" if call.keys else ""
    value = f" value={_shown(fields['value'])}" if "value" in fields else ""
    extra = f" ({fields['extra']})" if fields["extra"] else ""
    return f"{status} {call.operation.upper()} collection='{collection}'{keys}{value}{extra}"


def structured(status: str, call: Call, fields: Fields) -> str:
    """Return a record as one JSON object; values that JSON cannot represent are described in words."""
    record: dict[str, Any] = {
        "status": status.lower(),
        "action": call.operation.upper(),
        "collection": call.collection,
        "keys": _names(call),
        **{name: content for name, content in fields.items() if name == "value" or content},
    }
    try:
        return json.dumps(record, default=_described, skipkeys=True)
    except _UNSHOWABLE:
        return json.dumps({**record, "value": _shown(fields.get("value"))}, default=_described)


def _names(call: Call) -> str | list[str] | None:
    if call.operation.endswith("_many"):
        return list(call.keys)
    return call.keys[0] if call.keys else None


def _escaped(named: object) -> str:
    """Return a name with unprintable characters escaped, so that it cannot break the log line."""
    name = str(named)
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)


def _shown(value: object) -> str:
    try:
        return str(value)
    except _UNSHOWABLE as error:
        return f"<{type(value).__name__}: {error}>"


def _described(value: object) -> object:
    return dict(cast("Mapping[object, object]", value)) if isinstance(value, Mapping) else repr(value)
