"""A backend created by `scripts/new-store` passes every check and the conformance suite unchanged."""

import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.environment import run, succeed
from tests.packaging.workspace import CORE, ROOT, read

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".cache", ".*_cache", ".hypothesis", "__pycache__", "dist", "site"
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the workspace with a separate environment."""
    for variable in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(variable, raising=False)
    return shutil.copytree(ROOT, tmp_path / "checkout", ignore=LEFT_OUT)


@pytest.mark.timeout(600)
def test_a_new_store_passes_as_it_is(checkout: Path) -> None:
    succeed("scripts/new-store", "windows-thing", "WinThing", cwd=checkout)
    assert "class WinThingStore(" in _source(checkout, "windows-thing", "windows_thing")
    succeed("scripts/check", cwd=checkout)
    succeed("scripts/test", "--fast", "windows-thing", "-n", "0", cwd=checkout)
    core = read(checkout / "packages" / "core")
    assert core.extras["windows-thing"] == [Requirement("py-key-value-aio-windows-thing>=0.5.1,<0.6")]
    assert [Requirement(f"{CORE}[{','.join(core.extras.keys() - {'all'})}]")] == core.extras["all"]


def test_a_name_that_cannot_be_one_is_refused(checkout: Path) -> None:
    done = run("scripts/new-store", "Windows_Thing", cwd=checkout)
    assert done.returncode != 0
    assert "lower-case letters" in done.stderr


def test_a_store_that_exists_is_left_alone(checkout: Path) -> None:
    before = _source(checkout, "memory", "memory")
    done = run("scripts/new-store", "memory", cwd=checkout)
    assert "packages/memory exists already" in done.stderr
    assert _source(checkout, "memory", "memory") == before


def _source(checkout: Path, name: str, module: str) -> str:
    return (checkout / f"packages/{name}/src/key_value/aio/stores/{module}/store.py").read_text()
