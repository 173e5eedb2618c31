"""What the JSON of a type looks like."""

from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticOmit, core_schema
from typing_extensions import override


class _SkipUnknown(GenerateJsonSchema):
    """Leaves out fields that have no schema, instead of failing."""

    @override
    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:
        raise PydanticOmit


def is_object(type_adapter: TypeAdapter[Any]) -> bool:
    """Whether the schema of a type says that its JSON is an object; that of a union or a recursive model does not."""
    try:
        return type_adapter.json_schema(schema_generator=_SkipUnknown).get("type") == "object"
    except PydanticOmit:
        return False
