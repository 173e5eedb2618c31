"""PostgreSQL server to measure: a given one, or one that this module starts."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from scripts.benchmarks.servers import free_port, wait_for


@contextmanager
def postgresql_url() -> Generator[str]:
    """Yield the URL of a PostgreSQL server: `KV_TEST_POSTGRESQL_URL`, or a new server on a free port."""
    named = os.environ.get("KV_TEST_POSTGRESQL_URL")
    if named:
        yield named
        return
    port = free_port()
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    with tempfile.TemporaryDirectory() as folder:
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        make = [programs / "initdb", "-D", "data", "-U", "postgres", "-N", "--auth=trust"]
        subprocess.run(
            [*as_user, *make, "-E", "UTF8", "--locale=C.UTF-8"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        serve = [programs / "postgres", "-D", "data", "-p", str(port), "-h", "127.0.0.1", "-k", "."]
        with subprocess.Popen(
            [*as_user, *serve, "-c", "fsync=off", "-c", "synchronous_commit=off"],
            cwd=folder,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                wait_for(port)
                yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
            finally:
                server.send_signal(2)
