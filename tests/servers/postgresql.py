"""`postgresql`: one PostgreSQL, with an empty `public` schema for each test."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] -- asyncpg has no stubs
import pytest

from tests.servers.processes import free_port, last_line
from tests.servers.server import Server, UnavailableError, provided

_INSTALLED = Path("/usr/lib/postgresql")
_QUICK = ("fsync=off", "full_page_writes=off", "max_connections=200")
_START_SECONDS = 30


class Connection(Protocol):
    """The part of asyncpg's connections, which are only partially typed, that tests use."""

    async def fetch(self, query: str, *args: Any) -> list[Sequence[Any]]: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def close(self) -> None: ...


async def connect(url: str, **options: Any) -> Connection:
    return await cast("Any", asyncpg).connect(url, **options)


def program(name: str) -> str:
    """Return the path of a PostgreSQL program, which Debian does not put on PATH."""
    folders = sorted(_INSTALLED.glob("*/bin"), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *map(str, folders)]))
    if found is None:
        raise UnavailableError(f"{name} is not installed (scripts/test installs it)")
    return found


def unprivileged(directory: Path) -> Sequence[str]:
    """Return the command prefix that runs a program as a user other than root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return ()
    shutil.chown(directory, "postgres")
    user = ("--reuid", "postgres", "--regid", "postgres", "--clear-groups")
    return ("setpriv", *user, "--pdeathsig", "KILL")


class Node:
    """A PostgreSQL server for one test, which can be stopped and restarted with the same data."""

    def __init__(self, directory: Path, *, password: str | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self._as_user = unprivileged(directory)
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "password").write_text(password or "none")
        asked = ["--auth=trust"] if password is None else ["--auth=scram-sha-256", "--pwfile=password"]
        made = [program("initdb"), "-D", "data", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(
            [*self._as_user, *made, *asked], cwd=directory, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UnavailableError(f"initdb failed: {done.stderr.strip()}")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def own(self, path: Path) -> None:
        """Change the owner of a file to the user that runs the server."""
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")

    def start(self, *settings: str) -> None:
        """Start the server, and wait until it answers."""
        options = [part for setting in (*_QUICK, *settings) for part in ("-c", setting)]
        command = [program("postgres"), "-D", "data", "-p", str(self.port), "-h", "127.0.0.1", "-k", "."]
        log = self.directory / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*self._as_user, *command, *options],
                cwd=self.directory,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise UnavailableError(f"postgres did not start: {last_line(log)}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server with a signal, and wait until it has ended; SIGINT closes the connections."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(60)

    @contextmanager
    def suspended(self) -> Generator[None]:
        """Suspend all of the server's processes while the block runs."""
        assert self._process is not None
        parent = self._process.pid
        os.kill(parent, signal.SIGSTOP)
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        pids = [parent, *map(int, children)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


@contextmanager
def node(**options: Any) -> Generator[Node]:
    """Yield a node that is not started yet, and stop it at the end."""
    with TemporaryDirectory() as directory:
        made = Node(Path(directory), **options)
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def _started() -> Generator[Server]:
    with node() as made:
        made.start("synchronous_commit=off")
        yield Server(made.url)


def start() -> AbstractContextManager[Server]:
    return _started()


@pytest.fixture(scope="session")
def postgresql_server() -> Generator[Server]:
    with provided("postgresql", start) as server:
        yield server


@pytest.fixture
async def postgresql(postgresql_server: Server) -> Server:
    connection = await connect(postgresql_server.url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return postgresql_server
