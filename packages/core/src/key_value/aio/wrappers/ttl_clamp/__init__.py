"""`TTLClampWrapper`: a store with bounds for times to live."""

from key_value.aio.wrappers.ttl_clamp.wrapper import TTLClampWrapper

__all__ = ["TTLClampWrapper"]
