"""The documents of a store, in the format of the 0.5 series, and their conversion to rows."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base import Address, Row

LISTED = ["collection", "key", "expires_at", "write", "names"]
"""The fields that a listing reads."""

_TEXT = "text"
"""Member of `value` that contains it as JSON text, if the backend rejects it as JSON."""

_FORMER = " former"
"""Suffix of the version of a document that is where the 0.5 series stored it."""


class Version(NamedTuple):
    """The version of a row, in the form that the backend compares."""

    condition: Mapping[str, int]
    """The condition of a call."""
    is_former: bool
    """Whether the document is where the 0.5 series stored it."""


class Form:
    """The encoding of a value, in a member of `value` that the 0.5 series reads."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._mark = f'"value": {{{json.dumps(member)}: '

    def encode(self, row: Row, fields: Address, times: Mapping[str, str]) -> str:
        """Return the document of a row whose value is JSON text, in ASCII.

        Args:
            row: The row.
            fields: Contents of the fields `collection` and `key`.
            times: Fields with times.
        """
        head: dict[str, Any] = {"version": 1, **fields._asdict(), **times, "write": row.version}
        if row.original is not None and row.original != fields:
            # JSON text can represent lone surrogates and any length, which a field cannot.
            head["names"] = json.dumps(row.original)
        return f"{json.dumps(head)[:-1]}, {self._mark}{row.value}}}}}"

    def as_text(self, document: str) -> str | None:
        """Return a document with its value as text; None if it already is."""
        # Within a string, quotation marks are escaped.
        head, _, value = document.partition(self._mark)
        return f'{head}"value": {{"{_TEXT}": {json.dumps(value[:-2])}}}}}' if value else None

    def value(self, source: Mapping[str, Any]) -> dict[str, Any] | str:
        """Return the value in a document, or its JSON text.

        Raises:
            DeserializationError: The document has no value.
        """
        value = source.get("value")
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            if isinstance(found := members.get(self._member), dict):
                return cast("dict[str, Any]", found)
            if isinstance(found := members.get(_TEXT), str):
                return found
        raise DeserializationError(f"The document has no object at value.{self._member}")


def decode(found: Mapping[str, Any], address: Address, *, is_former: bool = False) -> Row:
    """Return the row of a document that was found, with the document's source as its value."""
    source: dict[str, Any] = found["_source"]
    version = f"{_text(source, 'write') or ''} {found['_seq_no']}.{found['_primary_term']}"
    created, expires = (_text(source, name) for name in ("created_at", "expires_at"))
    version += _FORMER if is_former else ""
    return Row(address.collection, address.key, source, created, expires, version, names_of(source))


def names_of(source: Mapping[str, Any]) -> Address | None:
    """Return the collection and key that a document names; None if they are missing."""
    try:
        names: Any = (
            json.loads(source["names"]) if "names" in source else (source["collection"], source["key"])
        )
        collection, key = names
    except (KeyError, TypeError, ValueError):
        return None
    return Address(collection, key) if isinstance(collection, str) and isinstance(key, str) else None


def parse_version(version: str) -> Version | None:
    """Return the parsed version; None if it is invalid."""
    text = version.removesuffix(_FORMER)
    sequence, _, term = text.rpartition(" ")[2].partition(".")
    if not (sequence.isdecimal() and term.isdecimal() and len(sequence + term) < 36):
        return None
    return Version({"if_seq_no": int(sequence), "if_primary_term": int(term)}, text != version)


def _text(source: Mapping[str, Any], name: str) -> str | None:
    return text if isinstance(text := source.get(name), str) else None
