"""Adapters: typed views of a store, and a lock. Each is imported when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from key_value.aio.adapters.base_model import BaseModelAdapter
    from key_value.aio.adapters.dataclass import DataclassAdapter
    from key_value.aio.adapters.lock import KeyValueLock
    from key_value.aio.adapters.pydantic import PydanticAdapter
    from key_value.aio.adapters.raise_on_missing import RaiseOnMissingAdapter

__all__ = ["BaseModelAdapter", "DataclassAdapter", "KeyValueLock", "PydanticAdapter", "RaiseOnMissingAdapter"]

_MODULES = {
    "BaseModelAdapter": "base_model",
    "DataclassAdapter": "dataclass",
    "KeyValueLock": "lock",
    "PydanticAdapter": "pydantic",
    "RaiseOnMissingAdapter": "raise_on_missing",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
