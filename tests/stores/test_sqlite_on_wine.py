"""The tests of the store, run under Wine as on Windows."""

import sys

import pytest

from tests.servers.server import Server
from tests.servers.wine import SECONDS, passes

# Excluded: tests that take minutes there.
SELECT = "not (free_what or renewed or destroyed_with_no_other or many_processes or killed)"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="they run by themselves")


@pytest.mark.timeout(SECONDS + 10)
def test_passes_its_tests_on_wine(wine: Server) -> None:
    passes(wine, "stores/test_sqlite.py", packages=["sqlite"], select=SELECT)
