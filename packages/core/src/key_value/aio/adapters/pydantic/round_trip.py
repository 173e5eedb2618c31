"""Find what of a value would not read back as it was put."""

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
    """Stands for a part that one of two values does not have."""


_MISSING = _Missing()

_SECRETS = (Secret, SecretBytes, SecretStr)
"""All of one class have the same JSON, which is asterisks."""

_CLASSES: Mapping[str, type] = {
    "bool": bool,
    "datetime": datetime,
    "float": float,
    "int": int,
    "none": type(None),
    "str": str,
    "uuid": UUID,
}
"""The classes of the schemas whose values read back equal."""

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
    """A type whose values certainly read back equal if they and their fields are of these classes exactly."""

    cls: type
    fields: Mapping[str, frozenset[type]]
    """The classes of each field of a model; empty for a value that is no model."""

    def holds(self, value: object) -> bool:
        """Decide whether a value is one of those."""
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
    """Decide by the core schema of pydantic whether a type is plain.

    Plain are numbers, text and times without constraints, serializers or validators of their own, and models
    with fields of such types alone.

    Returns:
        The plain type; None if each value must be read back.
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
    """Return the classes of the values of a schema; None if they may not read back equal."""
    if schema["type"] in ("default", "nullable"):
        inner = _classes(schema["schema"]) if schema.keys() <= {*_HARMLESS, "schema"} else None
        return inner | {type(None)} if inner is not None and schema["type"] == "nullable" else inner
    known = schema["type"] in _CLASSES and schema.keys() <= _HARMLESS
    return frozenset({_CLASSES[schema["type"]]}) if known else None


def difference(value: object, read: object, path: str = "") -> str | None:
    """Find the first part of a value that does not equal what was read back for it.

    Fields of models and dataclasses are compared one by one. A subclass equals its base if it adds no fields.
    What was read as another type is equal if its JSON is, and holds no secret: an `AnyHttpUrl` is read as the
    `AnyUrl` that is declared, and where `Any` is declared a time is read as text and a model as a dictionary.
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
    """Split two unequal values into parts to compare; None if they cannot be split alike."""
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
        # Its keys are part of the value, and no value is shown.
        return _by_name(items, others, "[...]")
    names = fields_of(cast("object", value))
    return None if names is None else _by_name(names, fields_of(read) or {}, ".{}")


def _have_same_json(value: object, read: object) -> bool:
    """Decide whether two values of different types are one in JSON, and whether that holds all of them."""
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
