"""`s3`: one SeaweedFS, which implements S3, and a separate bucket for each test.

To use another server, set `KV_TEST_S3_URL`: `http://<access key>:<secret key>@<host>:<port>`.
"""

import json
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import pytest
from aiobotocore.session import AioSession
from botocore.session import get_session

from tests.servers.processes import INSTALLED, free_port, running
from tests.servers.server import Server, UnavailableError, provided

PROGRAM = INSTALLED / "seaweedfs" / "bin" / "weed"

_ACTIONS = ["Admin", "Read", "List", "Tagging", "Write"]
_IDENTITIES = {
    "identities": [
        {
            "name": "test",
            "credentials": [{"accessKey": "test", "secretKey": "testsecret"}],
            "actions": _ACTIONS,
        },
        # May read, but neither write nor list.
        {
            "name": "reader",
            "credentials": [{"accessKey": "reader", "secretKey": "readersecret"}],
            "actions": ["Read"],
        },
        {"name": "anonymous", "actions": _ACTIONS},
    ]
}


@contextmanager
def start() -> Generator[Server]:
    if not PROGRAM.exists():
        raise UnavailableError("weed is not installed (scripts/test installs it)")
    master, volume, filer, port = (free_port() for _ in range(4))
    server = Server(f"http://test:testsecret@127.0.0.1:{port}")
    with TemporaryDirectory() as directory:
        config = Path(directory, "s3.json")
        config.write_text(json.dumps(_IDENTITIES))
        command = [str(PROGRAM), "server", f"-dir={directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-master.electionTimeout=1s"]
        command += [f"-master.port={master}", f"-volume.port={volume}", "-volume.max=200"]
        command += ["-filer", f"-filer.port={filer}", "-s3", f"-s3.port={port}", f"-s3.config={config}"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        with running(command, directory=Path(directory), ready=lambda: _answers(server)) as process:
            yield server
            # A graceful shutdown takes 10 s.
            process.send_signal(signal.SIGKILL)
            process.wait()


def _answers(server: Server) -> bool:
    try:
        with urlopen(f"http://{server.host}:{server.port}/healthz", timeout=1) as reply:
            return reply.status == 200
    except (URLError, OSError):
        return False


def arguments(server: Server, **others: Any) -> dict[str, Any]:
    """Return the connection arguments for a store or a driver client."""
    return {
        "endpoint_url": f"{urlsplit(server.url).scheme}://{server.host}:{server.port}",
        "aws_access_key_id": urlsplit(server.url).username,
        "aws_secret_access_key": server.password,
        "region_name": "us-east-1",
        **others,
    }


@asynccontextmanager
async def connected(server: Server, **others: Any) -> AsyncGenerator[Any]:
    """Yield a driver client."""
    async with AioSession().create_client("s3", **arguments(server, **others)) as client:
        yield client


def contents(client: Any, bucket: str) -> dict[str, bytes]:
    """Return all objects of a bucket; the client is a blocking one."""
    return {
        each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for each in page.get("Contents", [])
    }


def empty(client: Any, bucket: str) -> None:
    """Remove all objects of a bucket."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        objects = [{"Key": each["Key"]} for each in page.get("Contents", [])]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


@pytest.fixture(scope="session")
def s3_server() -> Generator[Server]:
    with provided("s3", start) as server:
        yield server


@pytest.fixture
def s3(s3_server: Server) -> Server:
    return s3_server


@pytest.fixture(scope="session")
def s3_client(s3_server: Server) -> Any:
    """Return a blocking client."""
    return get_session().create_client("s3", **arguments(s3_server))


@pytest.fixture(scope="session")
def s3_bucket(s3_client: Any) -> Generator[str]:
    """Yield the bucket of this worker; each bucket has separate volumes, which take time and space."""
    name = f"kv-{uuid4().hex[:20]}"
    s3_client.create_bucket(Bucket=name)
    # The first write takes seconds.
    s3_client.put_object(Bucket=name, Key="first", Body=b"")
    yield name
    empty(s3_client, name)
    s3_client.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(s3_client: Any, s3_bucket: str) -> str:
    """Return the name of an empty bucket."""
    empty(s3_client, s3_bucket)
    return s3_bucket


@pytest.fixture
def no_bucket(s3_client: Any) -> Generator[str]:
    """Yield the name of a bucket that does not exist."""
    name = f"kv-{uuid4().hex[:20]}"
    yield name
    with suppress(s3_client.exceptions.NoSuchBucket):
        empty(s3_client, name)
        s3_client.delete_bucket(Bucket=name)
