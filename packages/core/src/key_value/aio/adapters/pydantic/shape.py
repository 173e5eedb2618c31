"""Build the validator and serializer of a type, and determine whether its JSON is an object."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreConfig, PydanticOmit, SchemaSerializer
from typing_extensions import TypeForm, override

__all__ = ["BaseModel", "RootModel", "is_object", "make_dump", "make_type_adapter"]

T = TypeVar("T")


class _SkipUnknown(GenerateJsonSchema):
    """A schema generator that omits fields without a schema instead of failing."""

    @override
    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        raise PydanticOmit


def make_type_adapter(form: TypeForm[T]) -> TypeAdapter[T]:
    """Return the pydantic TypeAdapter of a type form."""
    # pydantic's signature declares only classes and special forms, but it accepts any form.
    return TypeAdapter(cast("type[T]", form))


def make_dump(type_adapter: TypeAdapter[Any]) -> Callable[..., Any]:
    """Return a function that dumps values as `TypeAdapter.dump_python` does, but keeps NaN and infinity.

    By default pydantic replaces them with null where the type is `Any`.
    """
    type_adapter.rebuild()  # The schema may be deferred.
    config = CoreConfig(ser_json_inf_nan="constants")
    return SchemaSerializer(type_adapter.core_schema, config).to_python


def is_object(type_adapter: TypeAdapter[Any]) -> bool:
    """Return whether the JSON schema of a type declares an object; that of a union never does."""
    try:
        return type_adapter.json_schema(schema_generator=_SkipUnknown).get("type") == "object"
    except PydanticOmit:
        return False
