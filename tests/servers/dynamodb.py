"""`dynamodb`: Amazon's DynamoDB Local, and a separate table for each test.

To use another endpoint with the credentials of the environment, set `KV_TEST_DYNAMODB_URL`, for example to
`https://dynamodb.eu-west-1.amazonaws.com`.
"""

import os
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import botocore.loaders
import botocore.session
import pytest

from tests.servers.processes import INSTALLED, binary, free_port, running
from tests.servers.server import Server, UnavailableError, provided

HOME = INSTALLED / "dynamodb"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What DynamoDB Local takes: anything."""


@contextmanager
def start() -> Generator[Server]:
    if not (HOME / "classes").exists():
        raise UnavailableError("DynamoDB Local is not installed (scripts/test installs it)")
    server = Server(f"http://127.0.0.1:{free_port()}")
    command = [binary("java"), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += [f"-Djava.library.path={HOME / 'lib'}", "-cp", f"{HOME / 'classes'}:{HOME / 'lib'}/*"]
    command += ["LocalServer", "-port", str(server.port), "-inMemory", "-sharedDb", "-disableTelemetry"]
    with (
        TemporaryDirectory() as directory,
        running(command, directory=Path(directory), ready=lambda: _answers(server)),
    ):
        yield server


def _answers(server: Server) -> bool:
    try:
        urllib.request.urlopen(server.url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def dynamodb_server() -> Generator[Server]:
    with provided("dynamodb", start) as server:
        yield server


@pytest.fixture
def dynamodb(dynamodb_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    for name, value in CREDENTIALS.items():
        if name not in os.environ:
            monkeypatch.setenv(name, value)
    # Otherwise every session reads the service description again, which takes a tenth of a second.
    monkeypatch.setattr(botocore.session, "create_loader", _loader)
    return dynamodb_server


@cache
def _loader(search_path: str | None = None) -> Any:
    loaders: Any = botocore.loaders
    return loaders.create_loader(search_path)


@cache
def control(server: Server) -> Any:
    """Return a client for operations that the store does not have, such as creating and inspecting tables."""
    session: Any = botocore.session.Session()
    return session.create_client("dynamodb", endpoint_url=server.url)


def create_table(server: Server, name: str) -> None:
    client = control(server)
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "collection", "KeyType": "HASH"},
            {"AttributeName": "key", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "collection", "AttributeType": "S"},
            {"AttributeName": "key", "AttributeType": "S"},
        ],
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


@pytest.fixture
def table(dynamodb: Server) -> Generator[str]:
    """Yield the name of a table that no other test uses and that does not exist yet."""
    name = f"kv-{uuid4().hex[:12]}"
    yield name
    client = control(dynamodb)
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_table(TableName=name)
