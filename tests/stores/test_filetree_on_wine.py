"""The tests of the store, run under Wine as on Windows."""

import sys

import pytest

from tests.servers.server import Server
from tests.servers.wine import SECONDS, passes

# Excluded: slow tests that do not depend on Windows, and features that Windows lacks (case-sensitive names
# and colons in names).
SELECT = (
    "TestFileTreeStore and not (free_what or renewed or destroyed_with_no_other or many_processes or killed "
    "or listed_as_they_were_given or 0_5 or behaves_like_a_dict or keep_no_memory or every_key_of_many "
    "or continues_a_scan or pop_has_one_winner_among_processes)"
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="they run by themselves")


@pytest.mark.timeout(SECONDS + 10)
def test_passes_its_tests_on_wine(wine: Server) -> None:
    passes(wine, "stores/test_filetree.py", packages=["filetree"], select=SELECT)
