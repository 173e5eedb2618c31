"""`memcached`: one memcached, empty for each test."""

import os
import socket
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

import pytest

from tests.servers.processes import binary, free_port, running
from tests.servers.server import Server, provided


@contextmanager
def node(port: int, *options: str, tls: bool = False) -> Generator[Popen[bytes]]:
    """Run a memcached on a port of the loopback interface, and yield its process."""
    answers = _listens if tls else _answers
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    command = [binary("memcached"), "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1", *user]
    with (
        TemporaryDirectory() as directory,
        running([*command, *options], directory=Path(directory), ready=lambda: answers(port)) as process,
    ):
        yield process


def call(server: Server, command: bytes) -> bytes:
    """Return the server's one-line reply to a command."""
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(command + b"\r\n")
        return connection.makefile("rb").readline()


def _answers(port: int) -> bool:
    try:
        # A server that requires a password replies with an error.
        return call(Server(f"memcached://127.0.0.1:{port}"), b"version") != b""
    except OSError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def _started(options: Sequence[str] = ()) -> Generator[Server]:
    port = free_port()
    with node(port, *options):
        yield Server(f"memcached://127.0.0.1:{port}")


def start() -> AbstractContextManager[Server]:
    return _started()


@pytest.fixture(scope="session")
def memcached_server() -> Generator[Server]:
    with provided("memcached", start) as server:
        yield server


@pytest.fixture
def memcached(memcached_server: Server) -> Server:
    call(memcached_server, b"flush_all")
    return memcached_server
