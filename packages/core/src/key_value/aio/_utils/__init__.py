"""What the stores, wrappers and adapters share. The module names are those of the 0.5 series, whose users import them."""

from key_value.aio._utils.managed_entry import ManagedEntry

__all__ = ["ManagedEntry"]
