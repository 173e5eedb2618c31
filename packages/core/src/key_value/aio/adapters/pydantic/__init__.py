"""`PydanticAdapter`: a store of whatever pydantic can validate."""

from key_value.aio.adapters.pydantic.adapter import PydanticAdapter

__all__ = ["PydanticAdapter"]
