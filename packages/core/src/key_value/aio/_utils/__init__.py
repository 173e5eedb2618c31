"""Code shared by stores, wrappers and adapters; users of the 0.5 series import these modules by name."""

from key_value.aio._utils.managed_entry import ManagedEntry

__all__ = ["ManagedEntry"]
