"""`mongodb`: one server that implements MongoDB's protocol, and a separate database for each test.

It is SecantusDB, which imitates a single MongoDB node; to use a real server, set `KV_TEST_MONGODB_URL`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient as _MongoClient
from pymongo.errors import PyMongoError

from tests.servers.certificates import make_certificates
from tests.servers.processes import INSTALLED, free_port, running
from tests.servers.server import Server, UnavailableError, provided

MongoClient = _MongoClient[dict[str, Any]]
Process = Popen[bytes]
PROGRAM = INSTALLED / "mongodb" / "bin" / "secantusd-py"


@contextmanager
def node(server: Server, *options: str, storage: str = ":memory:") -> Generator[Process]:
    """Run a server at the URL of `server`, with options such as those of TLS."""
    if not PROGRAM.exists():
        raise UnavailableError("secantusd-py is not installed (scripts/test installs it)")
    command = [str(PROGRAM), "--host", "127.0.0.1", "--port", str(server.port), "--cache-size", "64M"]
    command += ["--storage-path", storage, *options]
    with (
        TemporaryDirectory() as directory,
        running(command, directory=Path(directory), ready=lambda: _answers(server)) as process,
    ):
        yield process


def _answers(server: Server) -> bool:
    try:
        with MongoClient(server.url, serverSelectionTimeoutMS=200, connectTimeoutMS=200) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True


@contextmanager
def secured(directory: Path) -> Generator[Server]:
    """Run a server with TLS that requires a password; its users are created before it does."""
    files = make_certificates(directory)
    at = f"127.0.0.1:{free_port()}"
    storage = str(directory / "data")
    open_to_all = Server(f"mongodb://{at}/?directConnection=true")
    with node(open_to_all, storage=storage), MongoClient(open_to_all.url) as client:
        client.admin.command("createUser", "kv", pwd="p@ss:w/r d", roles=["root"])
    tls = f"directConnection=true&tls=true&tlsCAFile={files.authority}"
    server = Server(f"mongodb://kv:p%40ss%3Aw%2Fr%20d@{at}/?{tls}")
    options = ["--auth", "--tls-cert-file", str(files.certificate), "--tls-key-file", str(files.key)]
    with node(server, *options, storage=storage):
        yield server


@contextmanager
def start() -> Generator[Server]:
    server = Server(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true")
    with node(server):
        yield server


@pytest.fixture(scope="session")
def mongodb_server() -> Generator[Server]:
    with provided("mongodb", start) as server:
        yield server


@pytest.fixture
def mongodb(mongodb_server: Server) -> Server:
    return mongodb_server


@pytest.fixture
def database(mongodb: Server) -> Generator[str]:
    """Yield the name of a database that no other test uses."""
    name = f"kv-{uuid4().hex[:12]}"
    yield name
    with MongoClient(mongodb.url) as client:
        client.drop_database(name)
