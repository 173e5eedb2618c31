"""SeaweedFS server for the S3 store's benchmarks, ready once it reports so."""

import json
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from scripts.benchmarks.environments import ROOT
from scripts.benchmarks.servers import PATIENCE, free_port

_WEED = ROOT / ".cache" / "servers" / "seaweedfs" / "bin" / "weed"
_ACCOUNT = {
    "name": "test",
    "credentials": [{"accessKey": "test", "secretKey": "testsecret"}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}
_OPTIONS = (
    "-ip=127.0.0.1 -ip.bind=127.0.0.1 -dir=. -filer -s3 -s3.config=s3.json"
    " -s3.port.iceberg=0 -s3.port.lance=0"
    " -master.telemetry=false -master.volumeSizeLimitMB=64 -master.electionTimeout=1s -volume.max=200"
)
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")


@contextmanager
def s3_url() -> Generator[str]:
    """Yield the URL of an empty server on free ports."""
    ports = {f"{name}{kind}": free_port() for name in _PORTS for kind in ("", ".grpc")}
    port = ports["s3.port"]
    options = [f"-{name}={number}" for name, number in ports.items()]
    command = [str(_WEED), "server", *_OPTIONS.split(), *options]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "s3.json").write_text(json.dumps({"identities": [_ACCOUNT]}))
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                # A graceful shutdown takes 10 s.
                server.kill()


def _wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while not _is_healthy(port):
        if time.monotonic() > end:
            raise TimeoutError(f"SeaweedFS was not ready in {PATIENCE} s")
        time.sleep(0.1)


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()
