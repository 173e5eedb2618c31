"""`RetryWrapper`: a store that tries again what failed."""

from key_value.aio.wrappers.retry.wrapper import RetryWrapper

__all__ = ["RetryWrapper"]
