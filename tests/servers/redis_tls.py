"""`redis_tls`: one Redis with TLS and a password, empty for each test.

Its URL names the certificate of its authority as `ssl_ca_certs`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.servers.certificates import make_certificates
from tests.servers.processes import free_port
from tests.servers.redis import call, node
from tests.servers.server import Server, provided


@contextmanager
def start() -> Generator[Server]:
    port = free_port()
    with TemporaryDirectory() as directory:
        made = make_certificates(Path(directory))
        server = Server(f"rediss://:secret@127.0.0.1:{port}/0?ssl_ca_certs={made.authority}")
        plain = ["--port", "0", "--requirepass", "secret"]
        tls = ["--tls-port", str(port), "--tls-auth-clients", "no"]
        trust = ["--tls-ca-cert-file", str(made.authority)]
        own = ["--tls-key-file", str(made.key), "--tls-cert-file", str(made.certificate)]
        with node(server, *plain, *tls, *trust, *own):
            yield server


@pytest.fixture(scope="session")
def redis_tls_server() -> Generator[Server]:
    with provided("redis_tls", start) as server:
        yield server


@pytest.fixture
def redis_tls(redis_tls_server: Server) -> Server:
    call(redis_tls_server, "FLUSHDB")
    return redis_tls_server
