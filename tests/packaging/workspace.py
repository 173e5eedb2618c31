"""The distributions of the workspace, as their `pyproject.toml` files declare them."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tomlkit
from packaging.requirements import Requirement
from typing_extensions import override

ROOT = Path(__file__).parents[2]
CORE = "py-key-value-aio"


@dataclass(frozen=True)
class Distribution:
    """A distribution in `packages/*`."""

    folder: Path
    project: dict[str, Any]
    modules: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.project["name"]

    @property
    def version(self) -> str:
        return self.project["version"]

    def archive(self, dist: Path, ending: str) -> Path:
        """Return the distribution's built file with this suffix."""
        return dist / f"{self.name.replace('-', '_')}-{self.version}{ending}"

    def wheel(self, dist: Path) -> Path:
        """Return the distribution's built wheel."""
        return self.archive(dist, "-py3-none-any.whl")

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(text) for text in self.project["dependencies"]]

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        extras: dict[str, list[str]] = self.project.get("optional-dependencies", {})
        return {extra: [Requirement(text) for text in texts] for extra, texts in extras.items()}

    @property
    def drivers(self) -> list[str]:
        """Return the requirements other than the core."""
        return [requirement.name for requirement in self.requirements if requirement.name != CORE]

    @property
    def works_here(self) -> bool:
        """Return whether the distribution supports this operating system."""
        windows_only = "Operating System :: Microsoft :: Windows" in self.project.get("classifiers", [])
        return sys.platform == "win32" or not windows_only

    @override
    def __str__(self) -> str:
        return self.name


def read(folder: Path) -> Distribution:
    """Read the distribution in this folder of `packages`."""
    document: dict[str, Any] = tomlkit.parse((folder / "pyproject.toml").read_text()).unwrap()
    declared = cast("str | list[str]", document["tool"]["uv"]["build-backend"]["module-name"])
    modules = (declared,) if isinstance(declared, str) else tuple(declared)
    return Distribution(folder, document["project"], modules)


DISTRIBUTIONS = {
    distribution.name: distribution
    for distribution in map(read, sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml")))
}
BACKENDS = [
    distribution
    for distribution in DISTRIBUTIONS.values()
    if distribution.modules[0].startswith("key_value.aio.stores.") and distribution.name != CORE
]
