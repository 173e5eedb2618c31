"""Adapters: typed views of a store, and a lock. Each is imported on first use."""

from typing import TYPE_CHECKING

from key_value.aio._utils.lazy_names import lazy_names

if TYPE_CHECKING:
    from key_value.aio.adapters.base_model import BaseModelAdapter
    from key_value.aio.adapters.dataclass import DataclassAdapter
    from key_value.aio.adapters.lock import KeyValueLock
    from key_value.aio.adapters.pydantic import PydanticAdapter
    from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter

__all__ = ["BaseModelAdapter", "DataclassAdapter", "KeyValueLock", "PydanticAdapter", "RaiseOnMissingAdapter"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BaseModelAdapter": "base_model",
        "DataclassAdapter": "dataclass",
        "KeyValueLock": "lock",
        "PydanticAdapter": "pydantic",
        "RaiseOnMissingAdapter": "raise_on_missing",
    },
)
