"""`vault`: one OpenBao, which is a fork of HashiCorp Vault, and a separate KV engine for each test.

To use another server, set `KV_TEST_VAULT_URL`, with a token that may mount engines as its password:
`http://:root@127.0.0.1:8200`.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import hvac
import pytest
from hvac.exceptions import InvalidPath, InvalidRequest
from requests import RequestException

from tests.servers.processes import binary, free_port, running
from tests.servers.server import Server, provided

TOKEN = "root"


@contextmanager
def node(port: int) -> Generator[Server]:
    """Run an OpenBao, in memory and unsealed."""
    server = Server(f"http://:{TOKEN}@127.0.0.1:{port}")
    command = [binary("bao"), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={TOKEN}"]
    with (
        TemporaryDirectory() as directory,
        running(
            [*command, f"-dev-listen-address=127.0.0.1:{port}"],
            directory=Path(directory),
            ready=lambda: answers(server),
        ),
    ):
        yield server


def address(server: Server) -> str:
    """Return the URL without the token."""
    return f"http://{server.host}:{server.port}"


def client(server: Server) -> Any:
    """Return a client with all permissions."""
    return hvac.Client(url=address(server), token=server.password)


def answers(server: Server) -> bool:
    """Return whether a server is ready."""
    try:
        return client(server).sys.is_initialized() and not client(server).sys.is_sealed()
    except RequestException:
        return False


@pytest.fixture(scope="session")
def vault_server() -> Generator[Server]:
    with provided("vault", lambda: node(free_port())) as server:
        yield server


@pytest.fixture
def vault(vault_server: Server) -> Server:
    return vault_server


@pytest.fixture
def mount(vault: Server) -> Generator[str]:
    """Yield the mount of a KV engine that no other test uses."""
    name = f"kv-{uuid4().hex[:12]}"
    root = client(vault)
    root.sys.enable_secrets_engine("kv", path=name, options={"version": "2"})
    while not _is_ready(root, name):
        time.sleep(0.05)
    yield name
    root.sys.disable_secrets_engine(name)
    root.adapter.close()


def _is_ready(root: Any, name: str) -> bool:
    """Return whether a KV engine that was just mounted serves requests yet."""
    try:
        with suppress(InvalidPath):  # It is empty.
            root.secrets.kv.v2.list_secrets("", mount_point=name)
    except InvalidRequest:
        return False
    return True
