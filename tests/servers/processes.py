"""Server processes on a free loopback port, which are awaited until ready and ended by process id."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from tests.servers.server import UnavailableError

INSTALLED = Path(__file__).parents[2] / ".cache" / "servers"
_START_SECONDS = 30
_STOP_SECONDS = 10


def binary(name: str) -> str:
    """Return the path of an installed server."""
    found = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}{INSTALLED / 'bin'}")
    if found is None:
        raise UnavailableError(f"{name} is not installed (scripts/test installs it)")
    return found


def free_port() -> int:
    """Return a port that is free together with the one 10000 above it, which a cluster's nodes use.

    Both are below the range that systems use for the ports of outgoing connections.
    """
    while True:
        port = random.randrange(10_000, 22_000)
        if _bindable(port) and _bindable(port + 10_000):
            return port


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running(
    command: Sequence[str], *, directory: Path, ready: Callable[[], bool], given: str = ""
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server in a separate directory while the block runs, and yield its process.

    The server receives `given` on its standard input.

    Raises:
        UnavailableError: The server ended or was not ready in time; the message has the end of its output.
    """
    log, read = directory / "log", directory / "input"
    read.write_text(given)
    with (
        log.open("wb") as output,
        read.open("rb") as input_,
        _process(command, directory, input_.fileno(), output.fileno()) as process,
    ):
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            with suppress(subprocess.TimeoutExpired):
                raise UnavailableError(f"{command[0]} exited with {process.wait(0.02)}: {last_line(log)}")
            if time.monotonic() > deadline:
                raise UnavailableError(f"{command[0]} was not ready in {_START_SECONDS} s: {last_line(log)}")
        yield process


@contextmanager
def _process(
    command: Sequence[str], directory: Path, input_: int, output: int
) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*_dying_with_us(), *command],
        cwd=directory,
        stdin=input_,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@cache
def _dying_with_us() -> Sequence[str]:
    """Return the command prefix that makes Linux end a process with its parent, even if that is killed."""
    prefix = ("setpriv", "--pdeathsig", "KILL")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ()
    return prefix


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def suspend(process: subprocess.Popen[bytes]) -> None:
    """Suspend a process, and wait until it has stopped: one of its threads could serve one more call."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
