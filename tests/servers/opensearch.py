"""`opensearch`: a node of OpenSearch, assembled from its Maven artifacts, and a prefix for each test.

To use another node, set `KV_TEST_OPENSEARCH_URL`; the indices of the tests are removed from it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.servers.elasticsearch import MEMORY, OPTIONS, answers, prefix_on
from tests.servers.processes import INSTALLED, binary, free_port, running
from tests.servers.server import Server, UnavailableError, provided

HOME = INSTALLED / "opensearch"


@contextmanager
def node(port: int) -> Generator[Server]:
    """Run a node on a port."""
    if not (HOME / "classes" / "SearchNode.class").exists():
        raise UnavailableError("OpenSearch is not installed (scripts/test installs it)")
    server = Server(f"http://127.0.0.1:{port}")
    command = [binary("java"), *OPTIONS, "-cp", f"{HOME / 'classes'}:{HOME / 'lib'}/*", "SearchNode"]
    with (
        TemporaryDirectory(dir=MEMORY) as directory,
        running(
            [*command, f"{directory}/data", str(port)],
            directory=Path(directory),
            ready=lambda: answers(server),
        ),
    ):
        yield server


@pytest.fixture(scope="session")
def opensearch_server() -> Generator[Server]:
    with provided("opensearch", lambda: node(free_port())) as server:
        yield server


@pytest.fixture
def opensearch(opensearch_server: Server) -> Server:
    return opensearch_server


@pytest.fixture
def opensearch_prefix(opensearch: Server) -> Generator[str]:
    with prefix_on(opensearch) as prefix:
        yield prefix
