"""Fixtures for the tests of stores; test modules that this system cannot import are not collected."""

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.published import Publish

collect_ignore = ["test_chdb.py"] if sys.platform == "win32" else []


@pytest.fixture(scope="session")
def diskcache(published: Publish) -> Iterator[Any]:
    """Yield the real diskcache from the environment of 0.5.0, because no distribution here depends on it."""
    [found] = published("disk").python.parent.parent.glob("[Ll]ib/**/diskcache/__init__.py")
    spec = importlib.util.spec_from_file_location(
        "diskcache", found, submodule_search_locations=[str(found.parent)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["diskcache"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "diskcache"]:
        del sys.modules[name]
