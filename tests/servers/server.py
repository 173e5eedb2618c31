"""Server addresses, and how fixtures start or find a server."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest


class UnavailableError(Exception):
    """The server cannot run on this machine; the message names the missing part."""


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`."""

    url: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None, f"a port is needed in {self.url}"
        return port

    @property
    def password(self) -> str | None:
        return urlsplit(self.url).password

    def at(self, host: str, port: int) -> "Server":
        """Return another server with the same credentials and options."""
        parts = urlsplit(self.url)
        credentials = parts.netloc.rpartition("@")[0]
        place = f"{host}:{port}"
        return Server(parts._replace(netloc=f"{credentials}@{place}" if credentials else place).geturl())

    def option(self, name: str) -> str:
        """Return the value of an option in the query string."""
        return parse_qs(urlsplit(self.url).query)[name][0]


@contextmanager
def needed(name: str, otherwise: str = "") -> Generator[None]:
    """Skip the tests of a server if the block finds that this machine cannot run it; fail them in CI."""
    try:
        yield
    except UnavailableError as reason:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"no {name}: {reason}{otherwise}")


@contextmanager
def provided(name: str, start: Callable[[], AbstractContextManager[Server]]) -> Generator[Server]:
    """Yield the server at `KV_TEST_<NAME>_URL` or `_ENDPOINT`, or else one that is started for the tests.

    If the machine cannot run it, tests are skipped on a laptop and fail in CI.
    """
    variable = f"KV_TEST_{name.upper()}_URL"
    with ExitStack() as stack:
        if url := os.environ.get(variable) or os.environ.get(variable.replace("_URL", "_ENDPOINT")):
            server = Server(url)
        else:
            with needed(name, f"; or set {variable}"):
                server = stack.enter_context(start())
        yield server
