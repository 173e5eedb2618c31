"""Find the parts of a value that would not read back equal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import PydanticSerializationError, from_json, to_json

K = TypeVar("K")


class _Missing:
    """A placeholder for a part that only one of two values has."""


_MISSING = _Missing()

_SECRETS = (Secret, SecretBytes, SecretStr)
"""Classes whose values all have the same JSON: asterisks."""

_CLASSES: Mapping[str, type] = {
    "bool": bool,
    "datetime": datetime,
    "float": float,
    "int": int,
    "none": type(None),
    "str": str,
    "uuid": UUID,
}
"""Classes of the schema types whose values read back equal."""

_HARMLESS = frozenset(
    {
        "default",
        "default_factory",
        "default_factory_takes_data",
        "metadata",
        "microseconds_precision",
        "ref",
        "type",
    }
)

_OF_MODELS = frozenset({"cls", "config", "custom_init", "metadata", "ref", "root_model", "schema", "type"})


class PlainType(NamedTuple):
    """A type whose values always read back equal if they and their fields have exactly these classes."""

    cls: type
    fields: Mapping[str, frozenset[type]]
    """Allowed classes of each field of a model; empty if the type is not a model."""

    def holds(self, value: object) -> bool:
        """Return whether a value has exactly these classes."""
        if type(value) is not self.cls:
            return False
        if not self.fields:
            return True
        held = vars(value)
        for name, classes in self.fields.items():
            if type(held.get(name, _MISSING)) not in classes:
                return False
        return len(held) == len(self.fields)


def plain_type(schema: Mapping[str, Any]) -> PlainType | None:
    """Determine from pydantic's core schema whether a type is plain.

    Plain types are numbers, text and times without constraints, custom serializers or validators, and models
    whose fields are all of such types.

    Returns:
        The plain type; None if each value must be read back to check it.
    """
    if (classes := _classes(schema)) is not None:
        return PlainType(next(iter(classes)), {}) if len(classes) == 1 else None
    if schema["type"] != "model" or not schema.keys() <= _OF_MODELS:
        return None
    inner = schema["schema"]
    if inner["type"] != "model-fields" or not schema.get("config", {}).keys() <= {"title"}:
        return None
    fields_of_model = {
        name: _classes(each["schema"]) if each.keys() <= {"metadata", "schema", "type"} else None
        for name, each in inner["fields"].items()
    }
    is_special = schema.get("custom_init") or schema.get("root_model") or "extras_schema" in inner
    plain = {name: classes for name, classes in fields_of_model.items() if classes is not None}
    return None if is_special or len(plain) < len(fields_of_model) else PlainType(schema["cls"], plain)


def _classes(schema: Mapping[str, Any]) -> frozenset[type] | None:
    """Return the classes of a schema's values; None if the values may not read back equal."""
    if schema["type"] in ("default", "nullable"):
        inner = _classes(schema["schema"]) if schema.keys() <= {*_HARMLESS, "schema"} else None
        return inner | {type(None)} if inner is not None and schema["type"] == "nullable" else inner
    known = schema["type"] in _CLASSES and schema.keys() <= _HARMLESS
    return frozenset({_CLASSES[schema["type"]]}) if known else None


def difference(value: object, read: object, path: str = "") -> str | None:
    """Find the first part of a value that differs from what was read back.

    Fields of models and dataclasses are compared one by one. A subclass equals its base if it adds no fields.
    A value that is read back as another type counts as equal if its JSON is equal and it holds no secret: an
    `AnyHttpUrl` is read as the declared `AnyUrl`, and where `Any` is declared, a time is read as text and a
    model as a dictionary. Private attributes, and objects that can only be compared by identity, are ignored.

    Args:
        value: Value that was put.
        read: Value that was read back.
        path: Path of this part within the whole value.

    Returns:
        The path of the part, such as `user.token` or `[2].name`, or "" for the whole; None if all is equal.
    """
    if value is read or _equals(value, read):
        return None
    pairs = _parts(value, read)
    if pairs is None:
        return None if _have_same_json(value, read) else path
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
    """Split two unequal values into parts to compare; None if they do not split into matching parts."""
    if isinstance(value, list | tuple) and isinstance(read, list | tuple):
        ours, theirs = cast("Sequence[object]", value), cast("Sequence[object]", read)
        if len(ours) != len(theirs):
            return None
        return [(f"[{n}]", *pair) for n, pair in enumerate(zip(ours, theirs, strict=True))]
    if not isinstance(value, type(read)):
        return None
    if isinstance(value, dict):
        items, others = cast("dict[object, object]", value), cast("dict[object, object]", read)
        if items.keys() != others.keys():
            items = {_key_in_json(key): item for key, item in items.items()}
        # Dictionary keys are part of the value, which must not be shown.
        return _by_name(items, others, "[...]")
    names = fields_of(cast("object", value))
    return None if names is None else _by_name(names, fields_of(read) or {}, ".{}")


def _have_same_json(value: object, read: object) -> bool:
    """Return whether two values of different types have equal JSON that represents them fully."""
    if _holds_secret(value):
        return False
    try:
        if isinstance(value, set | frozenset) and isinstance(read, set | frozenset):
            ours, theirs = cast("set[object]", value), cast("set[object]", read)
            return sorted(map(_json, ours)) == sorted(map(_json, theirs))
        return _json(cast("object", value)) == _json(read)
    except PydanticSerializationError:
        return False


def _json(value: object) -> bytes:
    return to_json(value, by_alias=False, round_trip=True, inf_nan_mode="constants")


def _key_in_json(key: object) -> object:
    return key if isinstance(key, str) else next(iter(from_json(_json({key: None}))))


def _holds_secret(value: object) -> bool:
    if isinstance(value, _SECRETS):
        return True
    if isinstance(value, dict):
        parts = cast("dict[object, object]", value).values()
    elif isinstance(value, list | tuple | set | frozenset):
        parts = cast("Sequence[object]", value)
    else:
        parts = (fields_of(value) or {}).values()
    return any(map(_holds_secret, parts))


def fields_of(value: object) -> Mapping[str, object] | None:
    """Return the fields of a model or dataclass by name; None for anything else."""
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
