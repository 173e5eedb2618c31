"""Describe why a value is not JSON, without repeating the value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, cast

_PYDANTIC_STORES = frozenset({"datetime", "decimal", "ipaddress", "pathlib", "uuid"})
"""Modules of types that pydantic converts to JSON and back."""


def json_fault(value: object) -> str | None:
    """Return where and why a value is not JSON; None if no reason is found.

    Args:
        value: Value that could not be encoded.
    """
    waiting: list[tuple[str, object, tuple[int, ...]]] = [("value", value, ())]
    while waiting:
        path, item, above = waiting.pop()
        if item is None or isinstance(item, (str, int, float)):
            continue
        if id(item) in above:
            return f"{path} contains itself"
        if isinstance(item, Mapping):
            mapping = cast("Mapping[Any, object]", item)
            odd = next((key for key in mapping if not isinstance(key, str)), None)
            if odd is not None:
                return f"{path} has a key of type {_name(odd)}, but the keys of JSON objects are str"
        elif not isinstance(item, (list, tuple)):
            advice = "; PydanticAdapter stores it" if _is_known_to_pydantic(item) else ""
            return f"{path} is of type {_name(item)}, which JSON cannot represent{advice}"
        container = cast("object", item)
        waiting += [(f"{path}[{step}]", part, (*above, id(container))) for step, part in _parts(container)]
    return None


def _parts(item: object) -> Iterator[tuple[str, object]]:
    """Return the parts of a container, each with the step that leads to it, in reverse order."""
    if isinstance(item, Mapping):
        parts = [(repr(key), part) for key, part in cast("Mapping[str, object]", item).items()]
    else:
        parts = [(str(index), part) for index, part in enumerate(cast("Sequence[object]", item))]
    return reversed(parts)


def _name(item: object) -> str:
    return type(item).__name__


def _is_known_to_pydantic(item: object) -> bool:
    return (
        isinstance(item, (bytes, set, frozenset, Enum))
        or is_dataclass(item)
        or hasattr(item, "model_dump")
        or type(item).__module__ in _PYDANTIC_STORES
    )
