"""`PrefixCollectionsWrapper`: a store that prefixes its collections."""

from key_value.aio.wrappers.prefix_collections.wrapper import PrefixCollectionsWrapper

__all__ = ["PrefixCollectionsWrapper"]
