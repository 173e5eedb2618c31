"""The keyring store: `KeyringStore`."""

from key_value.aio.stores.keyring.names import (
    KeyringV1CollectionSanitizationStrategy,
    KeyringV1KeySanitizationStrategy,
)
from key_value.aio.stores.keyring.store import KeyringStore

__all__ = [
    "KeyringStore",
    "KeyringV1CollectionSanitizationStrategy",
    "KeyringV1KeySanitizationStrategy",
]
