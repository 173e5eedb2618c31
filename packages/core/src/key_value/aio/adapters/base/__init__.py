"""Base class of the adapters that need pydantic."""

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter

__all__ = ["BasePydanticAdapter"]
