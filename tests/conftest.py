"""Fixtures shared by all tests, including the servers, and the Hypothesis profiles."""

import os
from uuid import uuid4

import pytest
from hypothesis import settings

from key_value.aio.testing.suites.base import nightly
from tests.servers import SERVERS

pytest_plugins = ["tests.published", "tests.servers.plugin", *(f"tests.servers.{name}" for name in SERVERS)]
if os.environ.get("KV_TEST_LOOP") == "uvloop":
    pytest_plugins.append("tests.uvloop_policy")

# A deadline would fail tests on a busy machine.
settings.register_profile("daily", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=1_000)
settings.load_profile("nightly" if nightly() else "daily")


@pytest.fixture
def collection() -> str:
    """Return the name of a collection that no other test uses."""
    return f"test-{uuid4().hex[:12]}"
