"""The Redis that is measured: the one that is named, or one that this starts."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE = 10.0
"""Seconds that a server may take to answer."""


@contextmanager
def redis_url() -> Generator[str]:
    """The address of a Redis: `KV_TEST_REDIS_URL`, or that of an empty one on a free port."""
    named = os.environ.get("KV_TEST_REDIS_URL")
    if named:
        yield named
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                yield f"redis://127.0.0.1:{port}/0"
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
