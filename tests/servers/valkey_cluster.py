"""`valkey_cluster`: three primaries that share the hash slots, empty for each test; the URL is of one."""

from collections.abc import Generator
from functools import partial

import pytest

from tests.servers import redis_cluster
from tests.servers.server import Server, provided


@pytest.fixture(scope="session")
def valkey_cluster_server() -> Generator[Server]:
    with provided("valkey_cluster", partial(redis_cluster.start, "valkey-server")) as server:
        yield server


@pytest.fixture
def valkey_cluster(valkey_cluster_server: Server) -> Server:
    redis_cluster.flush(valkey_cluster_server)
    return valkey_cluster_server
