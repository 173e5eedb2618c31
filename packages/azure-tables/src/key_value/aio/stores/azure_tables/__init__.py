"""The Azure Tables store: `AzureTablesStore`."""

try:
    from key_value.aio.stores.azure_tables.names import AzureTablesSanitizationStrategy
    from key_value.aio.stores.azure_tables.store import AzureTablesStore
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("aiohttp", "azure"):
        raise
    raise ImportError(
        "AzureTablesStore needs azure-data-tables: pip install 'py-key-value-aio[azure-tables]'"
    ) from error

__all__ = ["AzureTablesSanitizationStrategy", "AzureTablesStore"]
