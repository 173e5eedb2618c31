"""`wine`: Python for Windows, run by Wine; the URL is that of the folder that contains both.

`scripts/install-servers` creates it. Its registry outlives the tests, which use separate keys.
"""

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from urllib.parse import urlsplit

import pytest

from tests.servers.processes import INSTALLED, binary
from tests.servers.server import Server, UnavailableError, provided

ROOT = Path(__file__).parents[2]
SECONDS = 900
"""How long the tests of one store may take there."""

_BESIDE = Path(__file__).parent / "on_wine"
"""What every Python there finds besides its own modules."""


@contextmanager
def start() -> Generator[Server]:
    binary("wine")
    folder = INSTALLED / "windows"
    if not (folder / "prefix").exists():
        raise UnavailableError("Python for Windows is not installed (scripts/test installs it)")
    yield Server(folder.as_uri())


def run(
    server: Server, *arguments: str | PureWindowsPath, path: Sequence[Path] = (), timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run Python for Windows.

    Args:
        server: The `wine` server.
        arguments: Arguments of `python`.
        path: Additional directories to import modules from.
        timeout: Maximum duration, in seconds, before the process is killed.
    """
    folder = Path(urlsplit(server.url).path)
    environment = {
        **os.environ,
        "WINEPREFIX": str(folder / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "PYTHONPATH": ";".join(str(on_windows(each)) for each in (_BESIDE, *path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PUBLISHED_PYTHON": str(on_windows(folder / "published" / "python.exe")),
    }
    # Under Wine, Python does not start without an input.
    with Path(os.devnull).open() as nothing:
        return subprocess.run(
            [binary("wine"), folder / "python" / "python.exe", *map(str, arguments)],
            env=environment,
            stdin=nothing,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )


def passes(server: Server, *files: str, packages: Sequence[str], select: str = "") -> None:
    """Run tests under Wine, and fail unless they pass.

    Args:
        server: The `wine` server.
        files: Test files, relative to `tests`.
        packages: Distributions that they need, in addition to the core, memory and testing.
        select: Expression for pytest's `-k`.
    """
    tests = [on_windows(ROOT / "tests" / file) for file in files]
    options = ["--noconftest", "-p", "published_on_wine", "-p", "no:cacheprovider", "-q", "-k", select]
    settings = ["--rootdir", str(on_windows(ROOT)), "-c", str(on_windows(ROOT / "pyproject.toml"))]
    sources = [ROOT / "packages" / name / "src" for name in ("core", "memory", "testing", *packages)]
    done = run(server, "-m", "pytest", *tests, *options, *settings, path=[ROOT, *sources], timeout=SECONDS)
    assert done.returncode == 0, done.stdout


def on_windows(path: Path) -> PureWindowsPath:
    """Convert a path to its name under Wine."""
    return PureWindowsPath(f"Z:{path}")


@pytest.fixture(scope="session")
def wine() -> Generator[Server]:
    with provided("wine", start) as server:
        yield server
