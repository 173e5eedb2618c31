"""The conformance suite: tests that every store must pass."""

import pytest

# Must precede the import of the tests; otherwise failing assertions would not show the compared values.
pytest.register_assert_rewrite(
    "key_value.aio.testing.suites",
    "key_value.aio.testing.expectations",
    "key_value.aio.testing.machine",
)

from key_value.aio.testing.suite import StoreConformance  # noqa: E402 -- for the reason above
from key_value.aio.testing.suites.base import ABILITIES, Opening  # noqa: E402 -- as above

__all__ = ["ABILITIES", "Opening", "StoreConformance"]
