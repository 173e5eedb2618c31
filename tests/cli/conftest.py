"""Fixtures that run `kv` as a separate program, with pipes or in a terminal."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Kv = Callable[..., "subprocess.CompletedProcess[str]"]

COMMAND = [sys.executable, "-m", "key_value.aio.cli"]


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of the tests without variables that affect `kv` or terminal colours."""
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
    """Return a function that runs `kv` with pipes; the environment names the store of the test."""

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
