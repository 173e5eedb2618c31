"""How the tests run `kv`: as a program of its own, with pipes or in a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Kv = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND = [sys.executable, "-m", "key_value.aio.cli"]


def environment(**variables: str) -> dict[str, str]:
    """The environment of the tests, without what would change `kv` or the colours of a terminal."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KV_") and name not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")
    }
    return {**inherited, "PYTHONUTF8": "1", **variables}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/a.db"


@pytest.fixture
def kv(url: str) -> Kv:
    """Run `kv` with pipes; the store of the test is in the environment."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *arguments],
            env=environment(**{"KV_URL": url, **variables}),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
