"""Values as a memory store keeps them, apart from what any caller holds.

What consists of nothing but JSON's own types is copied by `marshal`, which takes a fraction of the time that
JSON text does; it is read by no other process and never stored. All else becomes JSON text, as in any store,
or is refused as it is there.
"""

import marshal
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, TypeAlias

from key_value.aio._utils.managed_entry import dump_to_json, load_from_json
from key_value.aio.stores.base.pacing import SMALL, spend

Packed: TypeAlias = bytes | str
"""A value by `marshal`, or as JSON text."""

_WITHOUT_REFERENCES = 2
"""The version of marshal's format in which what occurs twice is copied twice."""

_STRING = frozenset({str})
_ATOMS = frozenset({str, float, bool, NoneType})

_LARGEST_INT = 2**63
"""Of an integer beyond it, JSON decides: the interpreter limits how many digits may be written."""


def pack(value: Any) -> Packed:
    """Make a copy of a value.

    Raises:
        SerializationError: It holds something that JSON cannot.
    """
    packed = marshal.dumps(value, _WITHOUT_REFERENCES) if _can_marshal(value) else dump_to_json(dict(value))
    if len(packed) > SMALL:
        spend(len(packed))
    return packed


def unpack(packed: Packed) -> dict[str, Any]:
    """Make a copy of the value that was packed."""
    if len(packed) > SMALL:
        spend(len(packed))
    if isinstance(packed, str):
        return load_from_json(packed)
    return marshal.loads(packed)  # noqa: S302  -- only `pack` makes these


def _can_marshal(value: Mapping[str, Any]) -> bool:
    try:
        return _is_plain(value)
    except RecursionError:
        return False


def _is_plain(value: Any) -> bool:
    """Whether it is a list, or a dictionary with strings for keys, of nothing but such and atoms."""
    is_list, is_dictionary = type(value) is list, type(value) is dict
    if not (is_list or (is_dictionary and _STRING.issuperset(map(type, value)))):
        return False
    items: Iterable[Any] = value if is_list else value.values()
    for item in items:
        if type(item) in _ATOMS:
            continue
        if not (-_LARGEST_INT < item < _LARGEST_INT if type(item) is int else _is_plain(item)):
            return False
    return True
