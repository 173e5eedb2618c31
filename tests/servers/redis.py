"""`redis`: one Redis, empty for each test."""

import subprocess
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.processes import binary, free_port, running
from tests.servers.server import Server, provided


class Client(Protocol):
    """The part of redis-py's clients, which are only partially typed, that the servers here use."""

    @classmethod
    def from_url(cls, url: str, *, retry: Retry | None = None) -> "Client": ...
    def execute_command(self, *command: str) -> object: ...
    def close(self) -> None: ...


_Redis = cast("type[Client]", Redis)


def call(server: Server, *command: str) -> object:
    """Return the server's reply to one command."""
    with closing(_Redis.from_url(server.url, retry=Retry(NoBackoff(), 0))) as client:
        return client.execute_command(*command)


@contextmanager
def node(server: Server, *options: str, program: str = "redis-server") -> Generator[Server]:
    """Run a Redis that stores nothing on disk; the options make it answer at the server's URL."""
    command = [binary(program), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options]
    with (
        TemporaryDirectory() as directory,
        running(command, directory=Path(directory), ready=lambda: answers(server)),
    ):
        yield server


@contextmanager
def durable(
    server: Server, directory: Path, *, program: str = "redis-server"
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server whose acknowledged writes are on disk, and yield its process."""
    command = [binary(program), "--port", str(server.port), "--bind", "127.0.0.1", "--save", ""]
    lasting = ["--appendonly", "yes", "--appendfsync", "always"]
    with running([*command, *lasting], directory=directory, ready=lambda: answers(server)) as process:
        yield process


def answers(server: Server) -> bool:
    """Return whether a server is ready."""
    try:
        return call(server, "PING") is True
    except RedisError:
        return False


def start() -> AbstractContextManager[Server]:
    port = free_port()
    return node(Server(f"redis://127.0.0.1:{port}/0"), "--port", str(port))


@pytest.fixture(scope="session")
def redis_server() -> Generator[Server]:
    with provided("redis", start) as server:
        yield server


@pytest.fixture
def redis(redis_server: Server) -> Server:
    call(redis_server, "FLUSHDB")
    return redis_server
