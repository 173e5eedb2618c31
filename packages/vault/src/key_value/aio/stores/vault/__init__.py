"""The Vault store: `VaultStore`."""

try:
    from key_value.aio.stores.vault.store import VaultStore
except ModuleNotFoundError as error:
    if error.name not in ("hvac", "requests"):
        raise
    raise ImportError("VaultStore needs hvac: pip install 'py-key-value-aio[vault]'") from error

__all__ = ["VaultStore"]
