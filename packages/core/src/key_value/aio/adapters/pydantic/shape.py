"""Build the validator and serializer of a type, and find out whether its JSON is an object."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreConfig, PydanticOmit, SchemaSerializer
from typing_extensions import TypeForm, override

__all__ = ["BaseModel", "RootModel", "is_object", "make_dump", "make_type_adapter"]

T = TypeVar("T")


class _SkipUnknown(GenerateJsonSchema):
    """Leaves out fields that have no schema, instead of failing."""

    @override
    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        raise PydanticOmit


def make_type_adapter(form: TypeForm[T]) -> TypeAdapter[T]:
    """Return what validates and dumps values of a type."""
    # pydantic declares only classes and special forms, and takes any form.
    return TypeAdapter(cast("type[T]", form))


def make_dump(type_adapter: TypeAdapter[Any]) -> Callable[..., Any]:
    """Return what dumps the values of a type, as `TypeAdapter.dump_python` does.

    It keeps NaN and infinity where the type is `Any`, of which pydantic makes null unless configured.
    """
    type_adapter.rebuild()  # Its schema may be deferred.
    config = CoreConfig(ser_json_inf_nan="constants")
    return SchemaSerializer(type_adapter.core_schema, config).to_python


def is_object(type_adapter: TypeAdapter[Any]) -> bool:
    """Return whether the schema of a type says that its JSON is an object; no union's does."""
    try:
        return type_adapter.json_schema(schema_generator=_SkipUnknown).get("type") == "object"
    except PydanticOmit:
        return False
