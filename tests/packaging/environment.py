"""A clean virtual environment, filled from the lock file and from the wheels that were built."""

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
    """Run a command to its end, whatever that is; tools are those of the environment that runs the tests."""
    program = shutil.which(command[0], path=_TOOLS) or command[0]
    return subprocess.run([program, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)


def succeed(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must succeed, for what it prints."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment that gets this project's distributions from nowhere but `dist`."""

    folder: Path
    dist: Path

    def __post_init__(self) -> None:
        succeed("uv", "venv", "--quiet", "--python", sys.executable, self.folder)

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"

    def install_locked(self, *distributions: str) -> None:
        """Install what others made of all that these distributions need, as the lock file has it."""
        lock = self.folder / "pylock.toml"
        packages = [word for name in distributions for word in ("--package", name)]
        options = ["--quiet", "--locked", "--no-dev", "--no-emit-workspace", "--format", "pylock.toml"]
        succeed("uv", "export", *options, *packages, "--output-file", lock)
        self._pip("install", "--requirements", lock)

    def install(self, *requirements: str) -> None:
        """Install from the wheels, and from what is installed already."""
        self._pip("install", "--offline", "--no-index", "--find-links", self.dist, *requirements)

    def install_beside(self, others: str, *distributions: Distribution) -> None:
        """Install what others published, as the index has it now, together with wheels of ours."""
        wheels = [distribution.wheel(self.dist) for distribution in distributions]
        self._pip("install", "--find-links", self.dist, others, *wheels)

    def install_alone(self, *requirements: str) -> None:
        """Install from the wheels, leaving out what they need."""
        self.install("--no-deps", *requirements)

    def uninstall(self, *distributions: str) -> None:
        self._pip("uninstall", *distributions)

    def installed(self) -> set[str]:
        frozen = succeed("uv", "pip", "freeze", "--python", self.python)
        return {line.partition("==")[0].partition(" @")[0] for line in frozen.splitlines()}

    def execute(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run code, away from the checkout, with nothing but this environment to import from."""
        return run(self.python, "-I", "-c", code, cwd=self.folder)

    def _pip(self, command: str, *arguments: str | Path) -> None:
        succeed("uv", "pip", command, "--quiet", "--python", self.python, *arguments)
