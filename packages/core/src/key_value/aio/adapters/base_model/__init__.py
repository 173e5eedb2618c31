"""`BaseModelAdapter`: a store of pydantic models."""

from key_value.aio.adapters.base_model.adapter import BaseModelAdapter

__all__ = ["BaseModelAdapter"]
