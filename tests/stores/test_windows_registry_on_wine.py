"""The registry store on other systems: it raises an error, and its tests run under Wine."""

import subprocess
import sys

import pytest

from tests.servers.server import Server
from tests.servers.wine import SECONDS, passes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is a registry")


def test_says_why_it_cannot_work() -> None:
    code = "import key_value.aio.stores.windows_registry"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = f"WindowsRegistryStore is available on Windows only, not on {sys.platform}"
    assert done.stderr.splitlines()[-1] == f"ImportError: {said}"


@pytest.mark.timeout(SECONDS + 10)
def test_passes_its_tests_on_wine(wine: Server) -> None:
    files = ("stores/test_windows_registry.py", "docs/test_examples.py")
    passes(wine, *files, packages=["windows-registry"], select="windows")
