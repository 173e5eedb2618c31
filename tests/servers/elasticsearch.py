"""`elasticsearch`: a node of Elasticsearch, assembled from its Maven artifacts, and a prefix for each test.

To use another node, set `KV_TEST_ELASTICSEARCH_URL`; the indices of the tests are removed from it.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.servers.processes import INSTALLED, free_port, running
from tests.servers.server import Server, UnavailableError, provided

HOME = INSTALLED / "elasticsearch"
OPTIONS = ["-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where the data is: a node waits for the disk several times whenever an index is created."""

SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0}
"""Those of an index in the tests: they have one node."""


@contextmanager
def node(port: int) -> Generator[Server]:
    """Run a node on a port."""
    if not (HOME / "classes" / "SearchNode.class").exists():
        raise UnavailableError("Elasticsearch is not installed (scripts/test installs it)")
    server = Server(f"http://127.0.0.1:{port}")
    command = [str(HOME / "jdk" / "bin" / "java"), *OPTIONS, "--module-path", str(HOME / "lib")]
    command += ["--add-modules", "ALL-MODULE-PATH,jdk.net,jdk.management.agent", "-cp", str(HOME / "classes")]
    with (
        TemporaryDirectory(dir=MEMORY) as directory,
        running(
            [*command, "SearchNode", str(HOME / "home"), f"{directory}/data", str(port)],
            directory=Path(directory),
            ready=lambda: answers(server),
        ),
    ):
        yield server


def request(server: Server, method: str, path: str, body: Any = None) -> Any:
    """Send a request without a store, and return the reply, even if it is an error."""
    lines = isinstance(body, str)
    data = body if lines else None if body is None else json.dumps(body)
    sent = urllib.request.Request(server.url + path, None if data is None else data.encode(), method=method)
    sent.add_header("Content-Type", "application/x-ndjson" if lines else "application/json")
    try:
        with urllib.request.urlopen(sent, timeout=30) as reply:
            return json.loads(reply.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return json.loads(error.read() or b"null")


def answers(server: Server) -> bool:
    """Return whether a server is ready."""
    try:
        health = request(server, "GET", "/_cluster/health")
    except (OSError, ValueError):
        return False
    return health.get("status") in ("green", "yellow")


@contextmanager
def prefix_on(server: Server) -> Generator[str]:
    """Yield a prefix that no other test uses, and remove its indices at the end."""
    prefix = f"kv{uuid4().hex[:12]}"
    yield prefix
    found = request(server, "GET", f"/{prefix}*/_settings?filter_path=*.settings.index.uuid")
    names = list(map(quote, found))
    for start in range(0, len(names), 20):
        request(server, "DELETE", f"/{','.join(names[start : start + 20])}")


@pytest.fixture(scope="session")
def elasticsearch_server() -> Generator[Server]:
    with provided("elasticsearch", lambda: node(free_port())) as server:
        yield server


@pytest.fixture
def elasticsearch(elasticsearch_server: Server) -> Server:
    return elasticsearch_server


@pytest.fixture
def elasticsearch_prefix(elasticsearch: Server) -> Generator[str]:
    with prefix_on(elasticsearch) as prefix:
        yield prefix
