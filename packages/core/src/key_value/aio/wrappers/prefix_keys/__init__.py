"""`PrefixKeysWrapper`: a store that prefixes its keys."""

from key_value.aio.wrappers.prefix_keys.wrapper import PrefixKeysWrapper

__all__ = ["PrefixKeysWrapper"]
