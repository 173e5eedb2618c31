"""`TimeoutWrapper`: a store with a limit on the duration of an operation."""

from key_value.aio.wrappers.timeout.wrapper import TimeoutWrapper

__all__ = ["TimeoutWrapper"]
