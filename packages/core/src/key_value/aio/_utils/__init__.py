"""What stores, wrappers and adapters share; the module names are the 0.5 series', whose users import them."""

from key_value.aio._utils.managed_entry import ManagedEntry

__all__ = ["ManagedEntry"]
