"""A third-party store, tested by the published conformance suite."""

import re
import shutil
from pathlib import Path

from tests.packaging.environment import Environment, run

DISTRIBUTION = "py-key-value-aio-testing"
STORE = Path(__file__).parent / "third_party" / "dict_store.py"


def test_a_third_party_store_runs_the_suite(environment: Environment) -> None:
    environment.install_locked(DISTRIBUTION)
    environment.install(DISTRIBUTION)
    shutil.copy(STORE, environment.folder)
    command = ["-I", "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-o", "python_files=*.py", STORE.name]
    done = run(environment.python, *command, cwd=environment.folder)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d{2,} passed", done.stdout)
