"""`azure_tables`: one Azurite, Microsoft's emulator, and a separate table for each test.

To use a real account instead, set `KV_TEST_AZURE_TABLES_URL` to its connection string.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import AzureError
from azure.data.tables import TableServiceClient

from tests.servers.processes import INSTALLED, binary, free_port, running
from tests.servers.server import Server, UnavailableError, provided

PROGRAM = INSTALLED / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
ACCOUNT = "devstoreaccount1"
# Azurite's default key, published in its documentation.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def node(port: int) -> Generator[Server]:
    """Run an Azurite on a port."""
    if not PROGRAM.exists():
        raise UnavailableError("azurite is not installed (scripts/test installs it)")
    server = Server(
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"TableEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )
    command = [binary("node"), str(PROGRAM), "--tableHost", "127.0.0.1", "--tablePort", str(port)]
    options = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    with (
        TemporaryDirectory() as directory,
        running([*command, *options], directory=Path(directory), ready=lambda: answers(server)),
    ):
        yield server


def answers(server: Server) -> bool:
    """Return whether a server is ready."""
    try:
        with service(server) as client:
            next(iter(client.list_tables()), None)
    except AzureError:
        return False
    return True


def service(server: Server) -> Any:
    """Return a client that does not wait; the driver is only partially typed."""
    return TableServiceClient.from_connection_string(server.url, retry_total=0)


@pytest.fixture(scope="session")
def azure_tables_server() -> Generator[Server]:
    with provided("azure_tables", lambda: node(free_port())) as server:
        yield server


@pytest.fixture
def azure_tables(azure_tables_server: Server) -> Server:
    return azure_tables_server


@pytest.fixture
def azure_table(azure_tables: Server) -> Generator[str]:
    """Yield the name of a table that no other test uses and that the store creates."""
    name = f"kv{uuid4().hex[:12]}"
    yield name
    with service(azure_tables) as client:
        client.delete_table(name)
