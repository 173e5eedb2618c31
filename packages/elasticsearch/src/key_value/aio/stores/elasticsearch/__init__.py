"""The Elasticsearch store: `ElasticsearchStore`."""

try:
    from key_value.aio.stores.elasticsearch.formerly import (
        ElasticsearchV1CollectionSanitizationStrategy,
        ElasticsearchV1KeySanitizationStrategy,
    )
    from key_value.aio.stores.elasticsearch.store import ElasticsearchStore
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in (
        "aiohttp",
        "elastic_transport",
        "elasticsearch",
    ):
        raise
    raise ImportError(
        "ElasticsearchStore needs elasticsearch: pip install 'py-key-value-aio[elasticsearch]'"
    ) from error

__all__ = [
    "ElasticsearchStore",
    "ElasticsearchV1CollectionSanitizationStrategy",
    "ElasticsearchV1KeySanitizationStrategy",
]
