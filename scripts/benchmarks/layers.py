"""Overhead of wrappers and adapters: the same calls with and without them, alternating."""

import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from statistics import median
from typing import Any

from scripts.benchmarks.values import make_values

BARE = "MemoryStore"
FIVE = "five wrappers"
PYDANTIC = "PydanticAdapter"

CALLS = 200

_PREPARATION = """
import logging
from cryptography.fernet import Fernet
from pydantic import BaseModel

from key_value.aio.stores.memory import MemoryStore

FERNET = Fernet(b"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
logging.getLogger("key_value.logging").setLevel(logging.ERROR)


class Session(BaseModel):
    name: str
    age: int
    email: str
    tags: list[str]
    score: float
    active: bool
    parent: str | None = None
"""

_FIVE = (
    "PrefixKeysWrapper(StatisticsWrapper(LoggingWrapper(RetryWrapper(TimeoutWrapper(MemoryStore())))), 'p')"
)

LAYERS: Mapping[str, str] = {
    BARE: "MemoryStore()",
    "RetryWrapper": "RetryWrapper(MemoryStore())",
    "TimeoutWrapper": "TimeoutWrapper(MemoryStore())",
    "LoggingWrapper": "LoggingWrapper(MemoryStore())",
    "StatisticsWrapper": "StatisticsWrapper(MemoryStore())",
    "ReadOnlyWrapper": "ReadOnlyWrapper(MemoryStore(), raise_on_write=False)",
    "OpenTelemetryWrapper": "OpenTelemetryWrapper(MemoryStore())",
    "PrefixKeysWrapper": "PrefixKeysWrapper(MemoryStore(), 'p')",
    "PrefixCollectionsWrapper": "PrefixCollectionsWrapper(MemoryStore(), 'p')",
    "SingleCollectionWrapper": "SingleCollectionWrapper(MemoryStore(), 'all')",
    "CompressionWrapper": "CompressionWrapper(MemoryStore())",
    "FernetEncryptionWrapper": "FernetEncryptionWrapper(MemoryStore(), fernet=FERNET)",
    "AESGCMEncryptionWrapper": "AESGCMEncryptionWrapper(MemoryStore(), bytes(32))",
    "TTLClampWrapper": "TTLClampWrapper(MemoryStore(), 0, 1000)",
    "LimitSizeWrapper": "LimitSizeWrapper(MemoryStore(), max_size=10_000)",
    "DefaultValueWrapper": "DefaultValueWrapper(MemoryStore(), {})",
    "FallbackWrapper": "FallbackWrapper(MemoryStore(), MemoryStore())",
    "RoutingWrapper": "RoutingWrapper(lambda collection: None, MemoryStore())",
    "CollectionRoutingWrapper": "CollectionRoutingWrapper({}, MemoryStore())",
    "PassthroughCacheWrapper": "PassthroughCacheWrapper(MemoryStore(), MemoryStore())",
    FIVE: _FIVE,
    PYDANTIC: "PydanticAdapter(MemoryStore(), Session)",
    "BaseModelAdapter": "BaseModelAdapter(MemoryStore(), Session)",
    "RaiseOnMissingAdapter": "RaiseOnMissingAdapter(MemoryStore())",
}
"""Expression that creates each layer, in this library and, if it exists there, in 0.5.0."""

_MODULES = (
    "adapters.base_model",
    "adapters.pydantic",
    "adapters.raise_on_missing",
    "wrappers.compression",
    "wrappers.default_value",
    "wrappers.encryption.aes_gcm",
    "wrappers.encryption.fernet",
    "wrappers.fallback",
    "wrappers.limit_size",
    "wrappers.logging",
    "wrappers.opentelemetry",
    "wrappers.passthrough_cache",
    "wrappers.prefix_collections",
    "wrappers.prefix_keys",
    "wrappers.read_only",
    "wrappers.retry",
    "wrappers.routing",
    "wrappers.single_collection",
    "wrappers.statistics",
    "wrappers.timeout",
    "wrappers.ttl_clamp",
)

Layers = dict[str, tuple[Any, list[Any]]]
"""Each layer with the values that it accepts."""

Times = dict[str, tuple[float, float]]
"""Seconds of a put and of a get through each layer."""


def build() -> Layers:
    """Create every layer that this process's library has."""
    names: dict[str, Any] = {}
    exec(_PREPARATION, names)  # noqa: S102 -- the code above
    for module in _MODULES:
        try:
            names.update(vars(import_module(f"key_value.aio.{module}")))
        except ImportError:
            # 0.5.0 lacks this layer.
            continue
    values = make_values("100 B")
    layers: Layers = {}
    for name, code in LAYERS.items():
        try:
            store = eval(code, names)  # noqa: S307 -- the code above
        except NameError:
            continue
        typed = name in (PYDANTIC, "BaseModelAdapter")
        layers[name] = store, [names["Session"](**value) for value in values] if typed else list(values)
    return layers


async def time_layers(layers: Layers) -> Times:
    """Return the times of one round, alternating between all layers."""
    return {name: await _time(store, values) for name, (store, values) in layers.items()}


async def _time(store: Any, values: list[Any]) -> tuple[float, float]:
    keys = [f"key:{number}" for number in range(len(values))]
    put = await _mean(lambda number: store.put(keys[number % len(keys)], values[number % len(values)]))
    return put, await _mean(lambda number: store.get(keys[number % len(keys)]))


async def _mean(call: Callable[[int], Awaitable[object]]) -> float:
    start = time.perf_counter()
    for number in range(CALLS):
        await call(number)
    return (time.perf_counter() - start) / CALLS


def medians(rounds: list[Times]) -> Times:
    """Return the median of each time over several rounds."""
    return {
        name: (median(times[name][0] for times in rounds), median(times[name][1] for times in rounds))
        for name in rounds[0]
    }
