"""`PrefixCollectionsWrapper`: a store whose collections have a prefix."""

from key_value.aio.wrappers.prefix_collections.wrapper import PrefixCollectionsWrapper

__all__ = ["PrefixCollectionsWrapper"]
