"""`PassthroughCacheWrapper`: a store with another store as its cache."""

from key_value.aio.wrappers.passthrough_cache.wrapper import PassthroughCacheWrapper

__all__ = ["PassthroughCacheWrapper"]
