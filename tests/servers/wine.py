"""`wine`: Python for Windows, run by Wine; the URL is that of the folder that both lie in.

`scripts/install-servers` makes it. The registry in it outlives the tests, which use keys of their own.
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
        server: Where it is.
        arguments: What follows `python`.
        path: Where it finds modules, besides its own.
        timeout: Seconds after which it is killed.
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
    # Without an input Python does not start there.
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
    """Fail unless tests pass there.

    Args:
        server: Where Python for Windows is.
        files: The files of the tests, below `tests`.
        packages: The distributions that they need, besides the core, memory and testing.
        select: What pytest's `-k` selects.
    """
    tests = [on_windows(ROOT / "tests" / file) for file in files]
    options = ["--noconftest", "-p", "published_on_wine", "-p", "no:cacheprovider", "-q", "-k", select]
    settings = ["--rootdir", str(on_windows(ROOT)), "-c", str(on_windows(ROOT / "pyproject.toml"))]
    sources = [ROOT / "packages" / name / "src" for name in ("core", "memory", "testing", *packages)]
    done = run(server, "-m", "pytest", *tests, *options, *settings, path=[ROOT, *sources], timeout=SECONDS)
    assert done.returncode == 0, done.stdout


def on_windows(path: Path) -> PureWindowsPath:
    """How Wine calls a path."""
    return PureWindowsPath(f"Z:{path}")


@pytest.fixture(scope="session")
def wine() -> Generator[Server]:
    with provided("wine", start) as server:
        yield server
