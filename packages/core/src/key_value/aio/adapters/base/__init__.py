"""What the adapters that need pydantic have in common."""

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter

__all__ = ["BasePydanticAdapter"]
