"""A store in Keyring."""

from key_value.aio.stores.keyring.store import KeyringStore

__all__ = ["KeyringStore"]
