"""`valkey`: one Valkey, empty for each test."""

from collections.abc import Generator
from contextlib import AbstractContextManager

import pytest

from tests.servers.processes import free_port
from tests.servers.redis import call, node
from tests.servers.server import Server, provided


def start(*options: str) -> AbstractContextManager[Server]:
    port = free_port()
    server = Server(f"redis://127.0.0.1:{port}/0")
    return node(server, "--port", str(port), *options, program="valkey-server")


@pytest.fixture(scope="session")
def valkey_server() -> Generator[Server]:
    with provided("valkey", start) as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Server) -> Server:
    call(valkey_server, "FLUSHDB")
    return valkey_server
