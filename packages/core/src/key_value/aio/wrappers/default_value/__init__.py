"""`DefaultValueWrapper`: a store that answers what is missing with a default."""

from key_value.aio.wrappers.default_value.wrapper import DefaultValueWrapper

__all__ = ["DefaultValueWrapper"]
