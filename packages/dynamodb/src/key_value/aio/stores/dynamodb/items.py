"""The items of a store in DynamoDB, in the format of the 0.5 series, and the conditions on them."""

import json
import math
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from typing_extensions import override

from key_value.aio.errors import ValueTooLargeError
from key_value.aio.stores.base import Address, EscapingStrategy, ManagedEntry, Names, Row

Item = dict[str, dict[str, Any]]
"""The attributes of an item, each with its type name."""

LARGEST_ITEM = 409_600
"""Maximum size of an item in bytes, including the names of its attributes:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

LAST_KEY = "\U0010ffff" * 256
"""The last possible sort key, which may have 1024 bytes."""

LISTED = "#collection, #key, #ttl, #expires, #rev, #names"
"""Projection of the attributes that a listing reads."""

ATTRIBUTES = ("collection", "key", "value", "ttl", "expires", "rev", "names")

_LITERAL = re.compile("[^%\ud800-\udfff]{0,200}")
"""Matches the start of a prefix, as far as it is neither escaped nor truncated in any key."""

_BY_TEXT = "text:"
"""Precedes the hash of the value in the version of an item of the 0.5 series."""

_BY_TTL = "ttl:"
"""Precedes the `ttl` in the version of such an item when it was listed without its value."""


class DynamoDBNames(Names):
    """Names of at most 1024 bytes for keys and 2048 for collections; DynamoDB itself handles prefixes."""

    def __init__(self) -> None:
        super().__init__(
            keys=EscapingStrategy(max_bytes=1024, escapes_empty=True),
            collections=EscapingStrategy(max_bytes=2048),
        )

    @override
    def literal(self, prefix: str) -> str:
        found = _LITERAL.match(prefix)
        return found[0] if found else ""


def encode_item(row: Row, entry: ManagedEntry) -> Item:
    """Return the item of an entry, whose value is JSON text in the row.

    Raises:
        ValueTooLargeError: The item is too large for DynamoDB.
    """
    original = row.original or row.address
    text = _document(row.value, original, entry.created_at_isoformat)
    item: Item = {**encode_key(row.address), "value": {"S": text}, "rev": {"S": row.version}}
    if row.expires is not None:
        item |= encode_expiry(float(row.expires))
    if row.address != original and _is_cut(row):
        item["names"] = {"S": json.dumps(original)}
    size = sum(len(name) + len(str(*content.values()).encode()) for name, content in item.items())
    if size > LARGEST_ITEM:
        raise ValueTooLargeError(size, LARGEST_ITEM, *original)
    return item


def _document(value: str, original: Address, created: str | None) -> str:
    """Return the document of the 0.5 series, without `expires_at`, which the attribute `ttl` replaces.

    Args:
        value: Value as JSON text.
        original: Collection and key.
        created: Time at which the entry was stored, in ISO 8601, if known.
    """
    time = "" if created is None else f'"created_at": "{created}", '
    collection, key = map(json.dumps, original)
    return f'{{"collection": {collection}, {time}"key": {key}, "value": {value}, "version": 1}}'


def encode_key(address: Address) -> Item:
    """Return the attributes of the primary key."""
    return {"collection": {"S": address.collection}, "key": {"S": address.key}}


def encode_expiry(expires: float) -> Item:
    """Return the attributes with the expiry time of an item.

    `ttl`, in whole seconds, is used by the 0.5 series and by DynamoDB. It is rounded up, so that nothing
    expires early; `expires` is the exact time.
    """
    return {"ttl": {"N": str(math.ceil(expires))}, "expires": {"N": repr(expires)}}


def decode_item(item: Mapping[str, Any]) -> Row:
    """Return the row of an item; its value is not decoded yet."""
    # Without `rev`, an item is not ours, but may still have an attribute of this name.
    names = _text(item, "names") if "rev" in item else ""
    return Row(
        item["collection"]["S"],
        item["key"]["S"],
        _text(item, "value"),
        None,
        _expires(item),
        _text(item, "rev") or _version(item),
        _original(names) if names else None,
    )


def condition(version: str | None, row: Row | None = None) -> dict[str, Any] | None:
    """Return the arguments of a call for an item that must have a version.

    Args:
        version: The version; None requires that there is no item.
        row: The existing row, if `needs_row` requires it.

    Returns:
        None if the row already has another version.
    """
    if version is None:
        return expression("attribute_not_exists(#key)")
    if version.startswith(_BY_TEXT):
        if row is None or row.version != version:
            return None
        return expression("attribute_not_exists(#rev) AND #value = :value", value={"S": row.value})
    if version.startswith(_BY_TTL):
        old = "attribute_not_exists(#rev) AND attribute_exists(#value) AND "
        ttl = version.removeprefix(_BY_TTL)
        if ttl:
            return expression(old + "#ttl = :ttl", ttl={"N": ttl})
        return expression(old + "attribute_not_exists(#ttl)")
    return expression("#rev = :rev", rev={"S": version})


def needs_row(version: str | None) -> bool:
    """Return whether the existing row must be read first, as for items of the 0.5 series."""
    return version is not None and version.startswith(_BY_TEXT)


def expression(text: str, **values: Any) -> dict[str, Any]:
    """Return the arguments of a conditional call; if it fails, its error contains the existing item."""
    return {
        "ConditionExpression": text,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **names_and_values(text, **values),
    }


def names_and_values(text: str, **values: Any) -> dict[str, Any]:
    """Return the values of `#names` and `:values` in expressions; DynamoDB rejects unused ones."""
    names = {f"#{name}": name for name in ATTRIBUTES if re.search(f"#{name}\\b", text)}
    found: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    if values:
        found["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return found


def _expires(item: Mapping[str, Any]) -> float | None:
    ttl = item.get("ttl", {}).get("N")
    if ttl is None:
        return None
    precise = item.get("expires", {}).get("N")
    # If another application changed `ttl`, that value applies.
    return float(precise) if precise and math.ceil(float(precise)) == float(ttl) else float(ttl)


def _version(item: Mapping[str, Any]) -> str:
    text = _text(item, "value")
    if text:
        return _BY_TEXT + sha256(text.encode(errors="surrogatepass")).hexdigest()
    return _BY_TTL + item.get("ttl", {}).get("N", "")


def _original(names: str) -> Address | None:
    """Return the collection and key saved in an item; None if they cannot be read."""
    try:
        return Address(*json.loads(names))
    except (TypeError, ValueError):
        return None


def _text(item: Mapping[str, Any], name: str) -> str:
    return item.get(name, {}).get("S", "")


def _is_cut(row: Row) -> bool:
    names = NAMES.collections.try_unsanitize(row.collection), NAMES.keys.try_unsanitize(row.key)
    return names != row.original


NAMES = DynamoDBNames()
