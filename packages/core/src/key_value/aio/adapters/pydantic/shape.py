"""Build the validator and serializer of a type, and determine whether its JSON is an object."""

from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit
from typing_extensions import TypeForm, override

__all__ = ["BaseModel", "RootModel", "is_object", "make_type_adapter"]

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


def is_object(type_adapter: TypeAdapter[Any]) -> bool:
    """Return whether the JSON schema of a type declares an object; that of a union never does."""
    try:
        return type_adapter.json_schema(schema_generator=_SkipUnknown).get("type") == "object"
    except PydanticOmit:
        return False
