"""`FallbackWrapper`: a second store to use while the first cannot be reached."""

from key_value.aio.wrappers.fallback.wrapper import FallbackWrapper

__all__ = ["FallbackWrapper"]
