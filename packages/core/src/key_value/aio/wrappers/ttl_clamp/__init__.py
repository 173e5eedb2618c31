"""`TTLClampWrapper`: a store with limits on TTLs."""

from key_value.aio.wrappers.ttl_clamp.wrapper import TTLClampWrapper

__all__ = ["TTLClampWrapper"]
