"""The conformance suite passes with every JSON codec that the core supports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from key_value.aio._utils.json_codec import CODEC, CODECS
from tests.packaging.workspace import ROOT

SUITE = ["tests/stores/test_simple.py", "tests/core/test_json.py", "tests/core/test_entry.py"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != CODEC])
def test_the_suite_passes_with_another_codec(codec: str, tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=--import-mode=importlib"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *SUITE],
        env={**os.environ, "PY_KEY_VALUE_JSON": codec},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
