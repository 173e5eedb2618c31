"""A clean virtual environment, filled from the lock file and the built wheels."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.packaging.workspace import ROOT, Distribution

_TOOLS = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"], str(ROOT / ".cache" / "uv" / "bin")]
)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command, even if it fails; tools come from the environment that runs the tests."""
    program = shutil.which(command[0], path=_TOOLS) or command[0]
    return subprocess.run([program, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)


def succeed(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must succeed, and return its output."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment that gets this project's distributions only from `dist`."""

    folder: Path
    dist: Path

    def __post_init__(self) -> None:
        succeed("uv", "venv", "--quiet", "--python", sys.executable, self.folder)

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"

    def install_locked(self, *distributions: str) -> None:
        """Install the third-party requirements of these distributions at their locked versions."""
        lock = self.folder / "pylock.toml"
        packages = [word for name in distributions for word in ("--package", name)]
        options = ["--quiet", "--locked", "--no-dev", "--no-emit-workspace", "--format", "pylock.toml"]
        succeed("uv", "export", *options, *packages, "--output-file", lock)
        self._pip("install", "--requirements", lock)

    def install(self, *requirements: str) -> None:
        """Install from the wheels and the packages that are already installed."""
        self._pip("install", "--offline", "--no-index", "--find-links", self.dist, *requirements)

    def install_beside(self, others: str, *distributions: Distribution) -> None:
        """Install the current third-party packages from the index together with our wheels."""
        wheels = [distribution.wheel(self.dist) for distribution in distributions]
        self._pip("install", "--find-links", self.dist, others, *wheels)

    def install_alone(self, *requirements: str) -> None:
        """Install from the wheels without their dependencies."""
        self.install("--no-deps", *requirements)

    def uninstall(self, *distributions: str) -> None:
        self._pip("uninstall", *distributions)

    def installed(self) -> set[str]:
        frozen = succeed("uv", "pip", "freeze", "--python", self.python)
        return {line.partition("==")[0].partition(" @")[0] for line in frozen.splitlines()}

    def execute(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run code outside the checkout, with imports only from this environment."""
        return run(self.python, "-I", "-c", code, cwd=self.folder)

    def _pip(self, command: str, *arguments: str | Path) -> None:
        succeed("uv", "pip", command, "--quiet", "--python", self.python, *arguments)
