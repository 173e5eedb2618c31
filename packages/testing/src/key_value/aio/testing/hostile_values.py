"""Values that encodings, columns and drivers change on the way, and values that are not JSON.

Each function returns a new value, so tests cannot see each other's changes.
"""

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

Make = Callable[[], Any]


def nested(depth: int) -> list[Any]:
    """Return lists nested to a given depth."""
    innermost: list[Any] = []
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


def _cyclic_list() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _cyclic_dict() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


class Colour(Enum):
    """An enumeration whose members are not strings."""

    RED = "red"


@dataclass
class Point:
    """A dataclass, which some encoders turn into an object that cannot be read back."""

    x: int = 1


JSON_VALUES: dict[str, Make] = {
    "null": lambda: None,
    "booleans": lambda: [True, False],
    "booleans beside numbers": lambda: [True, 1, 1.0, False, 0, 0.0],
    "integers": lambda: [0, 1, -1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)],
    "integers of 64 bits": lambda: [2**63, 2**64 - 1, 2**64, -(2**64)],
    "integers beyond 64 bits": lambda: [2**130, -(2**130), 10**100],
    "floats": lambda: [0.1, 1.5, -2.5, 1e-7, 123456789.123456789, 0.1 + 0.2],
    "whole floats": lambda: [1.0, 100.0, -3.0, 1e15, 1e16, 1e22, 1e23, 1e300],
    "extreme floats": lambda: [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e300],
    "negative zero": lambda: [-0.0, 0.0],
    "empty": lambda: ["", [], {}, [[]], [{}], {"": {}}, {"": [{"": None}]}],
    "nulls in nests": lambda: [None, [None], {"a": None, "b": [None, {"c": None}]}],
    "mixed list": lambda: [1, "x", None, 2.5, True, [1], {"a": 1}, "1", "null", "true"],
    "objects of different shapes": lambda: [{"a": 1}, {"b": 2}, {}, {"a": {"b": 1}}, {"a": [1]}],
    "lists of different types": lambda: [[1, 2.5], [True, 2], ["1", 1]],
    "map in disguise": lambda: {"key": [1, 2], "value": [3, 4]},
    "keys that differ in case": lambda: {"A": 1, "a": 2, "b": 3, "B": 4},
    "keys with meaning": lambda: dict.fromkeys(
        ["_id", "$set", "a.b", "a$", "__proto__", "version", "value", "ttl", "key", "0", " ", "$"], 1
    ),
    "own documents": lambda: {"version": 1, "value": {"a": 1}, "expires_at": "2000-01-01T00:00:00+00:00"},
    "strings that look like others": lambda: [
        "2020-01-01T00:00:00Z",
        "1e5",
        "0x10",
        "NaN",
        "b'x'",
        "{}",
        "[]",
        "'",
    ],
    "unicode": lambda: [
        "é",
        "e\u0301",
        "日本語",
        "😀",
        "\ufeff",
        "\u2028\u2029",
        "\x7f",
        "\uffff",
        {"ключ": "значение"},
    ],
    "escapes": lambda: ['"', "\\", "\\u0041", "/", "</script>", "\b\f\n\r\t", "%s", "\\n"],
    "control characters": lambda: "".join(chr(code) for code in range(1, 32)),
    "long string": lambda: "0123456789" * 5_000,
    "long list": lambda: list(range(5_000)),
    "wide object": lambda: {f"key-{number}": number for number in range(1_500)},
    "deep list": lambda: nested(100),
}

HARD_VALUES: dict[str, Make] = {
    "nan": lambda: [math.nan],
    "infinity": lambda: [math.inf, -math.inf],
    "nul": lambda: ["\x00", "a\x00b", {"\x00": 1}],
    "lone surrogate": lambda: ["\ud800", "a\udfffb", {"\ud83d": 1}],
}

NOT_JSON: dict[str, Make] = {
    "set": lambda: {1, 2},
    "frozenset": lambda: frozenset({1}),
    "bytes": lambda: b"bytes",
    "bytearray": lambda: bytearray(b"bytes"),
    "array": lambda: array("i", [1]),
    "complex": lambda: 1j,
    "decimal": lambda: Decimal("1.5"),
    "fraction": lambda: Fraction(1, 2),
    "datetime": lambda: datetime(2020, 1, 1, tzinfo=timezone.utc),
    "date": lambda: date(2020, 1, 1),
    "timedelta": lambda: timedelta(seconds=1),
    "uuid": lambda: UUID(int=1),
    "path": lambda: PurePosixPath("/a"),
    "enum member": lambda: Colour.RED,
    "dataclass": Point,
    "object": object,
    "class": lambda: Point,
    "function": lambda: nested,
    "range": lambda: range(3),
    "generator": lambda: (number for number in range(3)),
    "mapping": lambda: MappingProxyType({"a": 1}),
    "exception": lambda: ValueError("x"),
    "tuple key": lambda: {(1, 2): 3},
    "bytes key": lambda: {b"a": 1},
    "cyclic list": _cyclic_list,
    "cyclic dict": _cyclic_dict,
    "too deep": lambda: nested(10_000),
}
