"""The OpenSearch store: `OpenSearchStore`."""

try:
    from key_value.aio.stores.opensearch.formerly import (
        OpenSearchV1CollectionSanitizationStrategy,
        OpenSearchV1KeySanitizationStrategy,
    )
    from key_value.aio.stores.opensearch.store import OpenSearchStore
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("aiohttp", "opensearchpy"):
        raise
    raise ImportError(
        "OpenSearchStore needs opensearch-py: pip install 'py-key-value-aio[opensearch]'"
    ) from error

__all__ = [
    "OpenSearchStore",
    "OpenSearchV1CollectionSanitizationStrategy",
    "OpenSearchV1KeySanitizationStrategy",
]
