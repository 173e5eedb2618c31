"""`aerospike`: a double of Aerospike's wire protocol, or the server at KV_TEST_AEROSPIKE_URL.

The double is `aerospike_double.py`. A test fails if it causes a request that the double does not support.
"""

import json
import socket
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any, cast

import aerospike as driver
import pytest

from tests.servers.processes import free_port, running
from tests.servers.server import Server, provided

open_client: Callable[[Mapping[str, Any]], Any] = cast("Any", driver).client
"""`aerospike.client`, whose types leave out what a configuration is."""

DOUBLE = Path(__file__).with_name("aerospike_double.py")
NAMESPACE = "test"
SET = "kv-store"


@contextmanager
def node(port: int) -> Generator[Popen[bytes]]:
    """Run a double on a port of the loopback interface, and yield its process."""
    command = [sys.executable, str(DOUBLE), str(port)]
    with (
        TemporaryDirectory() as directory,
        running(command, directory=Path(directory), ready=lambda: _answers(port)) as process,
    ):
        yield process


def info(server: Server, request: str) -> str:
    """Return the server's reply to an info request."""
    body = f"{request}\n".encode()
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall((2 << 56 | 1 << 48 | len(body)).to_bytes(8, "big") + body)
        with connection.makefile("rb") as stream:
            size = int.from_bytes(stream.read(8), "big") & (1 << 48) - 1
            answer = stream.read(size).decode()
    return answer.removeprefix(f"{request}\t").removesuffix("\n")


def is_double(server: Server) -> bool:
    """Return whether the server is the double, whose replies can be set."""
    return info(server, "node").startswith("BB9DOUBLE")


def refusals(server: Server) -> list[str]:
    """Return the requests that the double does not support."""
    return json.loads(info(server, "double-refusals"))


def record(server: Server, address: str, set_name: str = SET) -> Any:
    """Return the double's record at an address: `generation`, `ttl`, `key` and `bins`, or None."""
    digest = driver.calc_digest(NAMESPACE, set_name, address)
    return json.loads(info(server, f"double-record:{digest.hex()}"))


def _answers(port: int) -> bool:
    try:
        return info(Server(f"aerospike://127.0.0.1:{port}"), "node") != ""
    except OSError:
        return False


@contextmanager
def start() -> Generator[Server]:
    port = free_port()
    with node(port):
        yield Server(f"aerospike://127.0.0.1:{port}")


@pytest.fixture(scope="session")
def aerospike_server() -> Generator[Server]:
    with provided("aerospike", start) as server:
        yield server


@pytest.fixture
def aerospike(aerospike_server: Server) -> Generator[Server]:
    if is_double(aerospike_server):
        info(aerospike_server, "double-reset")
        yield aerospike_server
        assert refusals(aerospike_server) == []
        return
    client = open_client({"hosts": [(aerospike_server.host, aerospike_server.port)]})
    client.truncate(NAMESPACE, SET, 0)
    client.close()
    yield aerospike_server
