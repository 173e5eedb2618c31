"""Find what of a value would not read back as it was put."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel

K = TypeVar("K")

_MISSING = object()

_CLASSES: Mapping[str, type] = {
    "bool": bool,
    "datetime": datetime,
    "float": float,
    "int": int,
    "none": type(None),
    "str": str,
    "uuid": UUID,
}
"""The classes of the schemas that lose nothing."""

_INNER: Mapping[str, Sequence[str]] = {
    "default": ("schema",),
    "dict": ("keys_schema", "values_schema"),
    "list": ("items_schema",),
    "model-field": ("schema",),
    "nullable": ("schema",),
}
"""The schemas within the schemas that lose nothing if those within them lose nothing."""

_OF_MODELS = frozenset({"cls", "config", "custom_init", "metadata", "ref", "root_model", "schema", "type"})

_HARMLESS = frozenset({"default", "default_factory", "default_factory_takes_data", "metadata", "ref", "type"})


def plain_type(schema: Mapping[str, Any]) -> type | None:
    """Find the class whose own instances, if of their declared types, certainly read back equal.

    That is certain, by the core schema of pydantic, only of numbers, text and times without constraints,
    serializers or validators of their own, and of models with fields of such types alone.

    Returns:
        The class; None if each value must be read back.
    """
    if schema["type"] in _CLASSES:
        return _CLASSES[schema["type"]] if schema.keys() <= _HARMLESS else None
    if schema["type"] != "model" or not schema.keys() <= _OF_MODELS:
        return None
    fields_of_model = schema["schema"]
    if fields_of_model["type"] != "model-fields" or not schema.get("config", {}).keys() <= {"title"}:
        return None
    is_special = schema.get("custom_init") or schema.get("root_model") or "extras_schema" in fields_of_model
    plain = not is_special and all(map(_is_plain, fields_of_model["fields"].values()))
    return schema["cls"] if plain else None


def _is_plain(schema: Mapping[str, Any]) -> bool:
    if schema["type"] in _CLASSES:
        return schema.keys() <= _HARMLESS
    parts = _INNER.get(schema["type"], ())
    inner = [schema[part] for part in parts if part in schema]
    return bool(inner) and schema.keys() <= {*_HARMLESS, *parts} and all(map(_is_plain, inner))


def difference(value: object, read: object, path: str = "") -> str | None:
    """Find the first part of a value that does not equal what was read back for it.

    Fields of models and dataclasses are compared one by one. A subclass equals its base if it adds no fields.
    Private attributes take no part, nor do objects that can be compared by identity alone.

    Args:
        value: What was put.
        read: What was read.
        path: The path to it from the whole value.

    Returns:
        The path to the part, such as `user.token` or `[2].name`, "" for the whole; None if all is equal.
    """
    if value is read or _equals(value, read):
        return None
    pairs = _parts(value, read)
    if pairs is None:
        return path
    found = (difference(one, other, f"{path}{step}") for step, one, other in pairs)
    return next((each for each in found if each is not None), None)


def _equals(value: object, read: object) -> bool:
    if type(value) is type(read) and type(value).__eq__ is object.__eq__:
        return True
    try:
        return bool(value == read) or _are_nan(value, read)
    except Exception:  # noqa: BLE001  -- the comparison of any type: an array has no truth value
        return type(value) is type(read)


def _are_nan(value: object, read: object) -> bool:
    return isinstance(value, float) and isinstance(read, float) and math.isnan(value) and math.isnan(read)


def _parts(value: object, read: object) -> list[tuple[str, object, object]] | None:
    """Split two unequal values into parts to compare; None if they cannot be split alike."""
    if not isinstance(value, type(read)):
        return None
    if isinstance(value, list | tuple):
        ours, theirs = cast("Sequence[object]", value), cast("Sequence[object]", read)
        if len(ours) != len(theirs):
            return None
        return [(f"[{n}]", *pair) for n, pair in enumerate(zip(ours, theirs, strict=True))]
    if isinstance(value, dict):
        # Its keys are part of the value, and no value is shown.
        items, others = cast("dict[object, object]", value), cast("dict[object, object]", read)
        return _by_name(items, others, "[...]")
    names = fields_of(value)
    return None if names is None else _by_name(names, fields_of(read) or {}, ".{}")


def fields_of(value: object) -> Mapping[str, object] | None:
    """Return the fields of a model or dataclass by their names; None for anything else."""
    if isinstance(value, BaseModel):
        names = {name: vars(value).get(name, _MISSING) for name in type(value).model_fields}
        return names | (value.model_extra or {})
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, _MISSING) for field in fields(value)}
    return None


def _by_name(
    ours: Mapping[K, object], theirs: Mapping[K, object], form: str
) -> list[tuple[str, object, object]]:
    names = dict.fromkeys([*ours, *theirs])
    return [(form.format(name), ours.get(name, _MISSING), theirs.get(name, _MISSING)) for name in names]
