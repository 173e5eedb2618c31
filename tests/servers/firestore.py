"""`firestore`: Google's Firestore emulator, and a separate project for each test.

To use another emulator, set `KV_TEST_FIRESTORE_URL`, for example to `http://127.0.0.1:8080`.
"""

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.servers.processes import free_port, running
from tests.servers.server import Server, UnavailableError, provided

_JAR = Path("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_SDKS = ("/usr/lib/google-cloud-sdk", "/opt/google-cloud-sdk", "~/google-cloud-sdk")


def _jar() -> Path:
    """Find the emulator, which `gcloud components install cloud-firestore-emulator` adds to Google's SDK."""
    gcloud = shutil.which("gcloud")
    sdks = [Path(sdk).expanduser() for sdk in _SDKS]
    if gcloud is not None:
        sdks.append(Path(gcloud).resolve().parents[1])
    for sdk in sdks:
        if (sdk / _JAR).exists():
            return sdk / _JAR
    raise UnavailableError("the Google Cloud SDK with its cloud-firestore-emulator is not installed")


def _command(port: int) -> Sequence[str]:
    if shutil.which("java") is None:
        raise UnavailableError("java is not installed")
    options = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en")
    return ["java", *options, "-cp", str(_jar()), _MAIN, "--host=127.0.0.1", f"--port={port}"]


@contextmanager
def start() -> Generator[Server]:
    server = Server(f"http://127.0.0.1:{free_port()}")

    def answers() -> bool:
        with suppress(OSError), urlopen(server.url, timeout=1):
            return True
        return False

    command = _command(server.port)
    with TemporaryDirectory() as directory, running(command, directory=Path(directory), ready=answers):
        yield server


@pytest.fixture(scope="session")
def firestore_server() -> Generator[Server]:
    with provided("firestore", start) as server:
        yield server


@pytest.fixture
def firestore(firestore_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the emulator, and point the environment variable of Google's libraries to it."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"{firestore_server.host}:{firestore_server.port}")
    return firestore_server


@pytest.fixture
def project() -> str:
    """Return the name of a project that no other test uses."""
    return f"demo-{uuid4().hex[:12]}"
