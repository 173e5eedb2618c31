"""Type checkers know what is imported, from the wheels and from the workspace as it is edited."""

import re
import sys
from pathlib import Path

import pytest

from tests.packaging.environment import Environment, run
from tests.packaging.workspace import DISTRIBUTIONS

CONSUMER = """
from typing import Any

from typing_extensions import assert_type

from key_value.aio.protocols import AsyncEnumerateKeysProtocol
from key_value.aio.stores.redis import RedisStore
from key_value.aio.wrappers import RetryWrapper


async def read(store: RedisStore) -> None:
    assert_type(await store.get("key"), dict[str, Any] | None)
    retrying = RetryWrapper(store)
    assert_type(retrying, RetryWrapper)
    if isinstance(retrying, AsyncEnumerateKeysProtocol):
        assert_type(await retrying.keys(), list[str])
    await store.put(1, {})
"""
WRONG_LINE = CONSUMER.splitlines().index("    await store.put(1, {})") + 1


@pytest.fixture(params=["wheels", "workspace"])
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "workspace":
        return sys.executable
    everything: Environment = request.getfixturevalue("everything")
    return str(everything.python)


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """An application that uses a store rightly, but for one line, and imports every other package."""
    imports = "".join(f"import {module}\n" for each in DISTRIBUTIONS.values() for module in each.modules)
    file = tmp_path / "consumer.py"
    file.write_text(f"{CONSUMER}\n\n{imports}")
    return file


def test_pyright_finds_the_one_mistake(python: str, consumer: Path) -> None:
    settings = consumer.parent / "pyrightconfig.json"
    settings.write_text('{"typeCheckingMode": "strict", "reportUnusedImport": "none"}')
    printed = run("basedpyright", "--project", settings, "--pythonpath", python).stdout
    assert re.findall(r"consumer\.py:(\d+):\d+ - error", printed) == [str(WRONG_LINE)], printed


def test_mypy_finds_the_one_mistake(python: str, consumer: Path) -> None:
    options = ["--strict", "--config-file=", "--cache-dir", consumer.parent / "cache"]
    printed = run("mypy", *options, "--python-executable", python, consumer).stdout
    assert re.findall(r"consumer\.py:(\d+): error", printed) == [str(WRONG_LINE)], printed
