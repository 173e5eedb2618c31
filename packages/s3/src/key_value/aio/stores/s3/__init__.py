"""The S3 store: `S3Store`."""

from key_value.aio.stores.s3.names import S3CollectionSanitizationStrategy, S3KeySanitizationStrategy
from key_value.aio.stores.s3.store import S3Store

__all__ = ["S3CollectionSanitizationStrategy", "S3KeySanitizationStrategy", "S3Store"]
