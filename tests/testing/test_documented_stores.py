"""The stores in the README and in the template of `scripts/new-store` pass the suite unchanged."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.testing import StoreConformance
from key_value.aio.testing.suites.base import Opening

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "scripts/templates/store/packages/acme-db/src/key_value/aio/stores/acme_db/store.py"


def from_readme() -> Any:
    """Return the store of the README's section "Write a store"."""
    section = (ROOT / "README.md").read_text("utf-8").split("## Write a store")[1]
    namespace: dict[str, Any] = {"__name__": "readme"}
    exec(section.split("```python")[1].split("```")[0], namespace)
    return namespace["DictStore"]


def from_template() -> Any:
    """Return the store of the template."""
    spec = importlib.util.spec_from_file_location("acme_db", TEMPLATE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.AcmeDBStore


class Documented(StoreConformance):
    abilities: ClassVar = frozenset[type]()
    persistent: ClassVar = True
    shared_by_processes: ClassVar = False
    make: ClassVar[Any]

    @override
    @pytest.fixture
    def opening(self) -> Opening:
        return type(self).make

    @pytest.fixture
    async def store(self) -> AsyncIterator[Any]:
        async with type(self).make() as store:
            yield store


class TestReadme(Documented):
    make: ClassVar = from_readme()


class TestTemplate(Documented):
    make: ClassVar = from_template()
