"""`LoggingWrapper`: a store that tells what it is asked."""

from key_value.aio.wrappers.logging.wrapper import LoggingWrapper

__all__ = ["LoggingWrapper"]
