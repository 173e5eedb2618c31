"""What every test may ask for: the servers, and names of its own."""

from uuid import uuid4

import pytest

from tests.servers import SERVERS

pytest_plugins = ["tests.published", "tests.servers.plugin", *(f"tests.servers.{name}" for name in SERVERS)]


@pytest.fixture
def collection() -> str:
    """A collection that no other test uses."""
    return f"test-{uuid4().hex[:12]}"
