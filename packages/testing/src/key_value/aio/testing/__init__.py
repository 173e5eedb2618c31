"""The conformance suite: the tests that every store passes."""

import pytest

# Before the tests are imported, or a failing assertion of theirs would not show what it compared.
pytest.register_assert_rewrite(
    "key_value.aio.testing.suites",
    "key_value.aio.testing.expectations",
    "key_value.aio.testing.machine",
)

from key_value.aio.testing.suite import StoreConformance  # noqa: E402 -- for the reason above
from key_value.aio.testing.suites.base import ABILITIES, Opening  # noqa: E402 -- as above

__all__ = ["ABILITIES", "Opening", "StoreConformance"]
