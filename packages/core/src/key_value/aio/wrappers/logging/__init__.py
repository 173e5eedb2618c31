"""`LoggingWrapper`: a store that logs its operations."""

from key_value.aio.wrappers.logging.wrapper import LoggingWrapper

__all__ = ["LoggingWrapper"]
