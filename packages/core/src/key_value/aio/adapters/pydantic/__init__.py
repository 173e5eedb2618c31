"""`PydanticAdapter`: a typed view of a store, for any type that pydantic can validate."""

from key_value.aio.adapters.pydantic.adapter import PydanticAdapter

__all__ = ["PydanticAdapter"]
