"""Every wrapper around a store is itself a store, with the abilities it keeps."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.concerns.base import ABILITIES
from key_value.aio.wrappers.base import BaseWrapper
from scripts.wrapper_table import WRAPPERS, Wrap

DIFFERENT = {"DefaultValueWrapper", "ReadOnlyWrapper"}
"""Wrappers that no suite of stores suits: a default is no miss, and what cannot be written cannot be read."""


def stack(store: AsyncKeyValue) -> BaseWrapper:
    """Some of them around one another."""
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
    model_examples: ClassVar = 10
    many: ClassVar = 500
    wrap: ClassVar[Wrap]

    @pytest.fixture(params=["memory", "sqlite"])
    async def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BaseWrapper]:
        inner = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "entries.db")
        async with type(self).wrap(inner) as store:
            yield store


def _conformance(name: str, wrap: Wrap) -> type:
    kept = frozenset(ability for ability in ABILITIES if isinstance(wrap(MemoryStore()), ability))
    facts = {"abilities": kept, "wrap": staticmethod(wrap), "__module__": __name__}
    return type(name, (Wrapped, StoreConformance), facts)


for _name, _wrap in {**WRAPPERS, "BaseWrapper": BaseWrapper, "Stack": stack}.items():
    if _name not in DIFFERENT:
        globals()[f"Test{_name}"] = _conformance(f"Test{_name}", _wrap)
