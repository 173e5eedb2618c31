"""`TimeoutWrapper`: a bound on how long an operation may take."""

from key_value.aio.wrappers.timeout.wrapper import TimeoutWrapper

__all__ = ["TimeoutWrapper"]
