"""`SingleCollectionWrapper`: a store that keeps all collections in one."""

from key_value.aio.wrappers.single_collection.wrapper import SingleCollectionWrapper

__all__ = ["SingleCollectionWrapper"]
