"""Wheels and sdists, built once per worker, and environments to install them into."""

from pathlib import Path

import pytest

from tests.packaging.environment import Environment, succeed
from tests.packaging.workspace import DISTRIBUTIONS


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with every wheel and sdist; the wheels are built from the sdists."""
    folder = tmp_path_factory.mktemp("dist")
    succeed("uv", "build", "--quiet", "--all-packages", "--out-dir", folder)
    return folder


@pytest.fixture
def environment(tmp_path: Path, dist: Path) -> Environment:
    """Return an empty environment."""
    return Environment(tmp_path / "venv", dist)


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Environment:
    """Return an environment with every wheel and driver; a test that changes it must undo the change."""
    environment = Environment(tmp_path_factory.mktemp("everything") / "venv", dist)
    environment.install_locked(*DISTRIBUTIONS)
    environment.install(*DISTRIBUTIONS)
    return environment
