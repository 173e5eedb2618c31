"""`redis_tls`: one Redis behind TLS and a password, empty for each test.

Its URL names the certificate of its authority as `ssl_ca_certs`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from tests.servers.processes import free_port
from tests.servers.redis import call, node
from tests.servers.server import Server, provided


@contextmanager
def start() -> Generator[Server]:
    port = free_port()
    with TemporaryDirectory() as directory:
        authority, key, certificate = _certificates(Path(directory))
        server = Server(f"rediss://:secret@127.0.0.1:{port}/0?ssl_ca_certs={authority}")
        plain = ["--port", "0", "--requirepass", "secret"]
        tls = ["--tls-port", str(port), "--tls-auth-clients", "no"]
        files = ["--tls-ca-cert-file", authority, "--tls-key-file", key, "--tls-cert-file", certificate]
        with node(server, *plain, *tls, *files):
            yield server


def _certificates(directory: Path) -> tuple[str, str, str]:
    """The files of a new authority, and of a key and a certificate that it vouches for."""
    authority, key, certificate = (directory / name for name in ("ca.pem", "key.pem", "cert.pem"))
    ca = trustme.CA()
    issued = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(authority)
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(certificate)
    return str(authority), str(key), str(certificate)


@pytest.fixture(scope="session")
def redis_tls_server() -> Generator[Server]:
    with provided("redis_tls", start) as server:
        yield server


@pytest.fixture
def redis_tls(redis_tls_server: Server) -> Server:
    call(redis_tls_server, "FLUSHDB")
    return redis_tls_server
