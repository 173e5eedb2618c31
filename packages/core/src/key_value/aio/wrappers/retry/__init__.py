"""`RetryWrapper`: a store that retries failed operations."""

from key_value.aio.wrappers.retry.wrapper import RetryWrapper

__all__ = ["RetryWrapper"]
