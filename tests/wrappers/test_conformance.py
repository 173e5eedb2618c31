"""Every wrapper around a store is itself a store, with the abilities it keeps.

The whole suite runs on a wrapper that forwards everything and on a stack of several. Every other wrapper
runs only the suites that its own code can fail.
"""

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest

from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.testing import StoreConformance
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY
from scripts.wrapper_table import WRAPPERS, Wrap

COMMON = {"AbilityConformance", "ModelConformance"}

CORE = {"CoreConformance", "LifecycleConformance"}

VALUES = {"CoreConformance", "ValueConformance", "NestingConformance"}

NAMES = {
    "CoreConformance",
    "NameConformance",
    "ListingConformance",
    "DestroyingConformance",
    "ScanConformance",
}

BY_VERSION = {"VersionConformance", "PopConformance", "TouchConformance"}

PARTS: Mapping[str, set[str]] = {
    "AESGCMEncryptionWrapper": VALUES | {"ConcurrencyConformance"},
    "CollectionRoutingWrapper": CORE | {"ListingConformance", "DestroyingConformance"},
    "CompressionWrapper": VALUES,
    "FallbackWrapper": CORE | {"BatchConformance"},
    "FernetEncryptionWrapper": VALUES,
    "LimitSizeWrapper": {"BatchConformance", "VersionConformance"},
    "LoggingWrapper": set(),
    "OpenTelemetryWrapper": set(),
    "PassthroughCacheWrapper": CORE
    | BY_VERSION
    | {"BatchConformance", "ConcurrencyConformance", "DestroyingConformance", "StringConformance"},
    "PrefixCollectionsWrapper": NAMES,
    "PrefixKeysWrapper": NAMES,
    "RetryWrapper": set(),
    "RoutingWrapper": CORE,
    "SingleCollectionWrapper": NAMES,
    "StatisticsWrapper": {"BatchConformance"},
    "TTLClampWrapper": {"TTLConformance", "TouchConformance"},
    "TimeoutWrapper": set(),
}
"""What each wrapper runs besides the common parts.

`DefaultValueWrapper` and `ReadOnlyWrapper` are not here: no suite of stores suits a store whose misses are
values, nor one that refuses to write.
"""


def stack(store: AsyncKeyValue) -> BaseWrapper:
    """Return a stack of several wrappers around the store."""
    for name in (
        "FallbackWrapper",
        "FernetEncryptionWrapper",
        "PrefixKeysWrapper",
        "SingleCollectionWrapper",
    ):
        store = WRAPPERS[name](store)
    return WRAPPERS["StatisticsWrapper"](WRAPPERS["RetryWrapper"](store))


class Wrapped:
    persistent: ClassVar = True
    on_base_store: ClassVar = False
    model_examples: ClassVar = 10
    many: ClassVar = 500
    wrap: ClassVar[Wrap]

    @pytest.fixture
    async def store(self) -> AsyncIterator[BaseWrapper]:
        async with type(self).wrap(MemoryStore()) as store:
            yield store


def _conformance(name: str, wrap: Wrap, suites: tuple[type, ...]) -> type:
    kept = frozenset(ability for ability in EVERY_ABILITY if isinstance(wrap(MemoryStore()), ability))
    facts = {"abilities": kept, "wrap": staticmethod(wrap), "__module__": __name__}
    return type(name, (Wrapped, *suites), facts)


def _parts(names: set[str]) -> tuple[type, ...]:
    parts = tuple(part for part in StoreConformance.__mro__ if part.__name__ in names | COMMON)
    assert len(parts) == len(names | COMMON), names
    return parts


def test_every_wrapper_runs_a_part() -> None:
    assert set(PARTS) == set(WRAPPERS) - {"DefaultValueWrapper", "ReadOnlyWrapper"}


for _name, _wrap in {"BaseWrapper": BaseWrapper, "Stack": stack}.items():
    globals()[f"Test{_name}"] = _conformance(f"Test{_name}", _wrap, (StoreConformance,))

for _name, _names in PARTS.items():
    globals()[f"Test{_name}"] = _conformance(f"Test{_name}", WRAPPERS[_name], _parts(_names))
