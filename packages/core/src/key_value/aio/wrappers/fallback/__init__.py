"""`FallbackWrapper`: a second store for when the first cannot be reached."""

from key_value.aio.wrappers.fallback.wrapper import FallbackWrapper

__all__ = ["FallbackWrapper"]
