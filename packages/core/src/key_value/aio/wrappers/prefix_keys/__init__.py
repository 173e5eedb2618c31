"""`PrefixKeysWrapper`: a part of a store's keys for each of several users."""

from key_value.aio.wrappers.prefix_keys.wrapper import PrefixKeysWrapper

__all__ = ["PrefixKeysWrapper"]
