"""Build the validator and serializer of a type, and find out whether its JSON is an object."""

from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit
from typing_extensions import TypeForm, override

__all__ = ["BaseModel", "RootModel", "is_object", "make_type_adapter"]

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


def is_object(type_adapter: TypeAdapter[Any]) -> bool:
    """Return whether the schema of a type says that its JSON is an object; no union's does."""
    try:
        return type_adapter.json_schema(schema_generator=_SkipUnknown).get("type") == "object"
    except PydanticOmit:
        return False
