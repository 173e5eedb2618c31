"""Servers for the stores' benchmarks: a given one, or one that this module starts."""

import os
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager

from scripts.benchmarks.environments import ROOT

PATIENCE = 30.0
"""Maximum time for a server to respond, in seconds."""

_MONGODB = ROOT / ".cache" / "servers" / "mongodb" / "bin" / "secantusd-py"

_NODE_MODULES = ROOT / ".cache" / "servers" / "azurite" / "node_modules"
_AZURITE = _NODE_MODULES / "azurite" / "dist" / "src" / "table" / "main.js"
_AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's default key, as published in its documentation."""

_BAO = ROOT / ".cache" / "servers" / "bin" / "bao"
_DYNAMODB = ROOT / ".cache" / "servers" / "dynamodb"

_VALKEY = ROOT / ".cache" / "servers" / "bin" / "valkey-server"

_FIRESTORE = "/usr/lib/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"

_ELASTICSEARCH = ROOT / ".cache" / "servers" / "elasticsearch"
_OPENSEARCH = ROOT / ".cache" / "servers" / "opensearch"

_SERVERS = {
    "elasticsearch": (
        "http://127.0.0.1:{port}",
        f"{_ELASTICSEARCH}/jdk/bin/java -Xmx512m --module-path {_ELASTICSEARCH}/lib --add-modules "
        f"ALL-MODULE-PATH,jdk.net,jdk.management.agent -cp {_ELASTICSEARCH}/classes SearchNode "
        f"{_ELASTICSEARCH}/home data {{port}}",
    ),
    "opensearch": (
        "http://127.0.0.1:{port}",
        f"java -Xmx512m -cp '{_OPENSEARCH}/classes:{_OPENSEARCH}/lib/*' SearchNode data {{port}}",
    ),
    "azure_tables": (
        f"AccountName=devstoreaccount1;AccountKey={_AZURE_KEY};"
        "TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1;",
        f"node {_AZURITE} --tableHost 127.0.0.1 --tablePort {{port}} --inMemoryPersistence --silent "
        "--skipApiVersionCheck --disableTelemetry",
    ),
    "vault": (
        "http://:root@127.0.0.1:{port}",
        f"{_BAO} server -dev -dev-no-store-token -dev-root-token-id=root "
        "-dev-listen-address=127.0.0.1:{port}",
    ),
    "firestore": (
        "http://127.0.0.1:{port}",
        f"java -Xmx256m -XX:+UseSerialGC -cp {_FIRESTORE} "
        "com.google.cloud.datastore.emulator.firestore.CloudFirestore --host=127.0.0.1 --port={port}",
    ),
    "dynamodb": (
        "http://127.0.0.1:{port}",
        f"java -Xmx256m -Djava.library.path={_DYNAMODB}/lib -cp '{_DYNAMODB}/classes:{_DYNAMODB}/lib/*' "
        "LocalServer -port {port} -inMemory -sharedDb -disableTelemetry",
    ),
    "memcached": (
        "memcached://127.0.0.1:{port}",
        "memcached -u nobody -l 127.0.0.1 -p {port} -U 0 -m 256",
    ),
    "mongodb": (
        "mongodb://127.0.0.1:{port}/?directConnection=true",
        f"{_MONGODB} --host 127.0.0.1 --port {{port}} --storage-path :memory: --log-level ERROR",
    ),
    "redis": (
        "redis://127.0.0.1:{port}/0",
        "redis-server --port {port} --bind 127.0.0.1 --save '' --dir .",
    ),
    "valkey": (
        "valkey://127.0.0.1:{port}/0",
        f"{_VALKEY} --port {{port}} --bind 127.0.0.1 --save '' --dir .",
    ),
}
"""URL of each server, and the command that starts it."""


@contextmanager
def server_url(name: str) -> Generator[str]:
    """Yield the URL of a server: `KV_TEST_<NAME>_URL`, or an empty server on a free port."""
    named = os.environ.get(f"KV_TEST_{name.upper()}_URL")
    if named:
        yield named
        return
    port = free_port()
    url, command = (text.format(port=port) for text in _SERVERS[name])
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL, cwd=folder) as server,
    ):
        try:
            wait_for(port)
            yield url
        finally:
            server.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
