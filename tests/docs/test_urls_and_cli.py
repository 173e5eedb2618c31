"""The pages about URLs and `kv` name every scheme, and every command runs as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from key_value.aio.cli.running import ExitCode
from key_value.aio.urls.schemes import DISTRIBUTIONS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "cli.md").read_text("utf-8")
BLOCKS = [block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if "pip install" not in block]


def test_the_table_has_every_scheme() -> None:
    rows = re.findall(
        r"^\| (`[^|]+`) \| `[^|]+\| [^|]+\|$", (DOCS / "urls.md").read_text("utf-8"), re.MULTILINE
    )
    assert {scheme for row in rows for scheme in re.findall(r"`([^`]+)`", row)} == set(DISTRIBUTIONS)


def test_the_table_has_every_exit_code() -> None:
    codes = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    assert {int(code) for row in codes for code in row.split(",")} == set(ExitCode)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
@pytest.mark.parametrize("block", BLOCKS)
def test_commands_run_as_written(block: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e", "-c", block],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = re.findall(r"# (.+)$", block, re.MULTILINE)
    shown = re.sub(r"\d+\.\d+", "3599.9", done.stdout).splitlines()
    assert [line for line in expected if line not in shown] == []
