"""`LimitSizeWrapper`: a store with limits on the size of values."""

from key_value.aio.wrappers.limit_size.wrapper import LimitSizeWrapper

__all__ = ["LimitSizeWrapper"]
