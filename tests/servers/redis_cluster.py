"""`redis_cluster`: three masters that share the hash slots, empty for each test; the URL is that of one."""

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, cast

import pytest

from tests.servers.processes import free_port
from tests.servers.redis import call, node
from tests.servers.server import Server, UnavailableError, provided

_SLOTS = (("0", "5460"), ("5461", "10922"), ("10923", "16383"))
_MEET_SECONDS = 30


@contextmanager
def start(program: str = "redis-server") -> Generator[Server]:
    with ExitStack() as stack:
        masters = [stack.enter_context(_master(program)) for _ in _SLOTS]
        _join(masters)
        yield masters[0]


def _master(program: str) -> AbstractContextManager[Server]:
    port = free_port()
    cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
    return node(Server(f"redis://127.0.0.1:{port}"), "--port", str(port), *cluster, program=program)


def _join(masters: list[Server]) -> None:
    for epoch, (master, slots) in enumerate(zip(masters, _SLOTS, strict=True), start=1):
        call(master, "CLUSTER", "SET-CONFIG-EPOCH", str(epoch))
        call(master, "CLUSTER", "ADDSLOTSRANGE", *slots)
        call(masters[0], "CLUSTER", "MEET", master.host, str(master.port))
    deadline = time.monotonic() + _MEET_SECONDS
    while not all(_complete(master) for master in masters):
        if time.monotonic() > deadline:
            raise UnavailableError(f"the masters did not meet in {_MEET_SECONDS} s")
        time.sleep(0.02)


def _complete(master: Server) -> bool:
    """Return whether this master has found the others and an owner for every slot."""
    info = cast("dict[str, str]", call(master, "CLUSTER INFO"))
    wanted = {"cluster_state": "ok", "cluster_known_nodes": "3", "cluster_slots_ok": "16384"}
    return wanted.items() <= info.items()


@pytest.fixture(scope="session")
def redis_cluster_server() -> Generator[Server]:
    with provided("redis_cluster", start) as server:
        yield server


@pytest.fixture
def redis_cluster(redis_cluster_server: Server) -> Server:
    flush(redis_cluster_server)
    return redis_cluster_server


def flush(cluster: Server) -> None:
    """Empty a cluster master by master, because redis-py's cluster client leaves sockets to the collector."""
    for _, _, (host, port, *_), *_ in cast("list[Any]", call(cluster, "CLUSTER SLOTS")):
        call(cluster.at(host.decode(), port), "FLUSHDB")
