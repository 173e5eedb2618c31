"""The tests of the store, run by Wine as on Windows."""

import sys

import pytest

from tests.servers.server import Server
from tests.servers.wine import SECONDS, passes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="they run by themselves")


@pytest.mark.timeout(SECONDS + 10)
def test_passes_its_tests_on_wine(wine: Server) -> None:
    passes(wine, "stores/test_sqlite.py", packages=["sqlite"])
