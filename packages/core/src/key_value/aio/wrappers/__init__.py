"""Wrappers: stores that add a behaviour to any other store. Each is imported on first use."""

from typing import TYPE_CHECKING

from key_value.aio._utils.lazy_names import lazy_names

if TYPE_CHECKING:
    from key_value.aio.wrappers.base import BaseWrapper
    from key_value.aio.wrappers.compression import CompressionWrapper
    from key_value.aio.wrappers.default_value import DefaultValueWrapper
    from key_value.aio.wrappers.encryption import (
        AESGCMEncryptionWrapper,
        BaseEncryptionWrapper,
        DerivedKey,
        FernetEncryptionWrapper,
    )
    from key_value.aio.wrappers.fallback import FallbackWrapper
    from key_value.aio.wrappers.limit_size import LimitSizeWrapper
    from key_value.aio.wrappers.logging import LoggingWrapper
    from key_value.aio.wrappers.opentelemetry import OpenTelemetryWrapper
    from key_value.aio.wrappers.passthrough_cache import PassthroughCacheWrapper
    from key_value.aio.wrappers.prefix_collections import PrefixCollectionsWrapper
    from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
    from key_value.aio.wrappers.read_only import ReadOnlyWrapper
    from key_value.aio.wrappers.retry import RetryWrapper
    from key_value.aio.wrappers.routing import CollectionRoutingWrapper, RoutingFunction, RoutingWrapper
    from key_value.aio.wrappers.single_collection import SingleCollectionWrapper
    from key_value.aio.wrappers.statistics import StatisticsWrapper
    from key_value.aio.wrappers.timeout import TimeoutWrapper
    from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

__all__ = [
    "AESGCMEncryptionWrapper",
    "BaseEncryptionWrapper",
    "BaseWrapper",
    "CollectionRoutingWrapper",
    "CompressionWrapper",
    "DefaultValueWrapper",
    "DerivedKey",
    "FallbackWrapper",
    "FernetEncryptionWrapper",
    "LimitSizeWrapper",
    "LoggingWrapper",
    "OpenTelemetryWrapper",
    "PassthroughCacheWrapper",
    "PrefixCollectionsWrapper",
    "PrefixKeysWrapper",
    "ReadOnlyWrapper",
    "RetryWrapper",
    "RoutingFunction",
    "RoutingWrapper",
    "SingleCollectionWrapper",
    "StatisticsWrapper",
    "TTLClampWrapper",
    "TimeoutWrapper",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AESGCMEncryptionWrapper": "encryption",
        "BaseEncryptionWrapper": "encryption",
        "BaseWrapper": "base",
        "CollectionRoutingWrapper": "routing",
        "CompressionWrapper": "compression",
        "DefaultValueWrapper": "default_value",
        "DerivedKey": "encryption",
        "FallbackWrapper": "fallback",
        "FernetEncryptionWrapper": "encryption",
        "LimitSizeWrapper": "limit_size",
        "LoggingWrapper": "logging",
        "OpenTelemetryWrapper": "opentelemetry",
        "PassthroughCacheWrapper": "passthrough_cache",
        "PrefixCollectionsWrapper": "prefix_collections",
        "PrefixKeysWrapper": "prefix_keys",
        "ReadOnlyWrapper": "read_only",
        "RetryWrapper": "retry",
        "RoutingFunction": "routing",
        "RoutingWrapper": "routing",
        "SingleCollectionWrapper": "single_collection",
        "StatisticsWrapper": "statistics",
        "TTLClampWrapper": "ttl_clamp",
        "TimeoutWrapper": "timeout",
    },
)
