"""`DefaultValueWrapper`: a store with a default for missing keys."""

from key_value.aio.wrappers.default_value.wrapper import DefaultValueWrapper

__all__ = ["DefaultValueWrapper"]
