"""Type checkers resolve imports from the wheels and from the editable workspace."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.environment import Environment, run
from tests.packaging.workspace import DISTRIBUTIONS, ROOT

CONSUMER = """
from datetime import timedelta
from typing import Any

from typing_extensions import assert_type

from key_value.aio.adapters import PydanticAdapter
from key_value.aio.protocols import AsyncEnumerateKeysProtocol, AsyncTouchProtocol
from key_value.aio.stores.redis import RedisStore
from key_value.aio.wrappers import DefaultValueWrapper, LimitSizeWrapper, RetryWrapper, TTLClampWrapper

HOUR = timedelta(hours=1)


async def read(store: RedisStore) -> None:
    assert_type(await store.get("key"), dict[str, Any] | None)
    retrying = RetryWrapper(store)
    assert_type(retrying, RetryWrapper)
    if isinstance(retrying, AsyncEnumerateKeysProtocol):
        assert_type(await retrying.keys(), list[str])
    await store.put("key", {}, ttl=HOUR)
    await retrying.put_many(["key"], [{}], ttl=HOUR)
    await DefaultValueWrapper(store, {}, default_ttl=HOUR).put("key", {}, ttl=HOUR)
    await LimitSizeWrapper(store, max_size=1).put("key", {}, ttl=HOUR)
    await TTLClampWrapper(store, min_ttl=0, max_ttl=HOUR).put("key", {}, ttl=HOUR)
    await PydanticAdapter(store, list[int]).put("key", [1], ttl=HOUR)
    if isinstance(retrying, AsyncTouchProtocol):
        await retrying.touch("key", ttl=HOUR)
    await store.put(1, {})
"""
WRITTEN_FOR_0_5 = Path(__file__).parent / "third_party" / "written_for_0_5.py"
WRONG_LINE = CONSUMER.splitlines().index("    await store.put(1, {})") + 1


@pytest.fixture(params=["wheels", "workspace"])
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "workspace":
        return sys.executable
    everything: Environment = request.getfixturevalue("everything")
    return str(everything.python)


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """Write an application that uses a store correctly except in one line, and imports all other packages."""
    imports = "".join(f"import {module}\n" for each in DISTRIBUTIONS.values() for module in each.modules)
    file = tmp_path / "consumer.py"
    file.write_text(f"{CONSUMER}\n\n{imports}")
    return file


def test_pyright_finds_the_one_mistake(python: str, consumer: Path) -> None:
    shutil.copy(WRITTEN_FOR_0_5, consumer.parent)
    settings = consumer.parent / "pyrightconfig.json"
    settings.write_text('{"typeCheckingMode": "strict", "reportUnusedImport": "none"}')
    printed = run("basedpyright", "--project", settings, "--pythonpath", python).stdout
    assert re.findall(r"(\w+)\.py:(\d+):\d+ - error", printed) == [("consumer", str(WRONG_LINE))], printed


def test_mypy_finds_the_one_mistake(python: str, consumer: Path) -> None:
    options = ["--strict", "--config-file=", "--cache-dir", consumer.parent / "cache"]
    printed = run("mypy", *options, "--python-executable", python, consumer, WRITTEN_FOR_0_5).stdout
    assert re.findall(r"(\w+)\.py:(\d+): error", printed) == [("consumer", str(WRONG_LINE))], printed


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """Write the documentation's example program for typing abilities."""
    page = (ROOT / "docs" / "api" / "protocols.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / "documented.py"
    file.write_text(program, "utf-8")
    return file


def test_pyright_accepts_the_documented_types_of_abilities(documented: Path) -> None:
    settings = documented.parent / "pyrightconfig.json"
    settings.write_text('{"typeCheckingMode": "strict"}')
    done = run("basedpyright", "--project", settings, "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout


def test_mypy_accepts_the_documented_types_of_abilities(documented: Path) -> None:
    options = ["--strict", "--config-file=", "--cache-dir", documented.parent / "cache"]
    done = run("mypy", *options, "--warn-unreachable", "--python-executable", sys.executable, documented)
    assert done.returncode == 0, done.stdout
