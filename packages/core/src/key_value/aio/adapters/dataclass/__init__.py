"""`DataclassAdapter`: a store of dataclasses."""

from key_value.aio.adapters.dataclass.adapter import DataclassAdapter

__all__ = ["DataclassAdapter"]
