"""`KeyValueLock` among processes that are killed, suspended or slow.

A lease is short only if the test waits for its end or its renewal; all others outlast the test.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from key_value.aio.adapters.lock import KeyValueLock
from key_value.aio.stores.redis import RedisStore
from key_value.aio.stores.sqlite import SQLiteStore
from tests.processes import run_together
from tests.servers.server import Server

PROCESSES = 4
TURNS = 8
SHORT, LONG = 1.0, 600.0
"""Seconds of leases: one that is to end, and one that outlasts the test."""
TOLERANCE = 0.05
"""Seconds by which the clocks of a process and of a server may differ over a lease."""
PATIENCE = 60.0

Store = SQLiteStore | RedisStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and SIGSTOP")


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the file or the URL of a store that processes share."""
    if request.param == "sqlite":
        return str(tmp_path / "locks.db")
    server: Server = request.getfixturevalue("redis")
    return server.url


def open_store(place: str) -> Store:
    return RedisStore(url=place) if place.startswith("redis:") else SQLiteStore(place)


class Holder:
    """A process that holds the lock, as seen from the test."""

    def __init__(self, place: str, ttl: float) -> None:
        self._connection, other = Pipe()
        self.process = get_context("spawn").Process(target=_run_holder, args=(place, ttl, other), daemon=True)
        self.process.start()
        other.close()

    def receive(self) -> Any:
        """Wait for the next report of the process."""
        assert self._connection.poll(PATIENCE), "the holder reported nothing"
        return self._connection.recv()

    @property
    def has_reported(self) -> bool:
        return self._connection.poll(0)

    def release(self) -> None:
        self._connection.send("release")

    def signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self) -> None:
        self.process.kill()
        self.process.join(timeout=PATIENCE)
        self._connection.close()


def _run_holder(place: str, ttl: float, connection: Connection) -> None:
    asyncio.run(_hold(place, ttl, connection))


async def _hold(place: str, ttl: float, connection: Connection) -> None:
    """Report the token and the times of request and acquisition; then the loss, or release on demand."""
    async with open_store(place) as store:
        wanted = time.monotonic()
        async with KeyValueLock(store, "l", ttl=ttl) as lock:
            connection.send((lock.token, wanted, time.monotonic()))
            released = asyncio.create_task(asyncio.to_thread(connection.recv))
            lost = asyncio.create_task(lock.lost.wait())
            await asyncio.wait([released, lost], return_when=asyncio.FIRST_COMPLETED)
            connection.send(("lost", lock.lost.is_set(), time.monotonic()))
            await released
            lost.cancel()
        connection.send("released")


@contextmanager
def holder(place: str, ttl: float) -> Generator[Holder]:
    started = Holder(place, ttl)
    try:
        yield started
    finally:
        started.end()


@asynccontextmanager
async def contender(place: str) -> AsyncGenerator[KeyValueLock]:
    """Yield a lock in the process of the test."""
    async with open_store(place) as store:
        yield KeyValueLock(store, "l", ttl=LONG)


async def is_free(place: str) -> bool:
    async with contender(place) as lock:
        acquired = await lock.acquire(timeout=0)
        await lock.release()
        return acquired


async def test_the_lease_of_a_killed_holder_ends(place: str) -> None:
    with holder(place, SHORT) as killed:
        token, wanted, _ = killed.receive()
        killed.signal(signal.SIGKILL)
        async with contender(place) as lock:
            assert await lock.acquire(timeout=PATIENCE)
            assert time.monotonic() - wanted >= SHORT - TOLERANCE
            assert lock.token > token
            await lock.release()


async def test_a_suspended_holder_loses_the_lock_to_the_next(place: str) -> None:
    with holder(place, SHORT) as suspended:
        token, _, _ = suspended.receive()
        suspended.signal(signal.SIGSTOP)
        async with contender(place) as lock:
            assert await lock.acquire(timeout=PATIENCE)
            assert lock.token > token
            suspended.signal(signal.SIGCONT)
            _, is_lost, _ = suspended.receive()
            assert is_lost
            suspended.release()
            assert suspended.receive() == "released"
            assert not lock.lost.is_set()
            assert not await is_free(place), "it released the lock of another holder"
            await lock.release()
        assert await is_free(place)


async def _keeps_the_lock(place: str, ttl: float) -> bool:
    """Hold the lock for longer than a lease; return False if it was lost, which its holder must notice."""
    async with open_store(place) as store, contender(place) as lock:
        with holder(place, ttl) as slow:
            _, _, held = slow.receive()
            versions = set[str]()
            while len(versions) < 4 or time.monotonic() < held + ttl:
                found = await store.get_versioned("lock:l")
                if found is None or slow.has_reported:
                    _, is_lost, _ = slow.receive()
                    assert is_lost
                    return False
                versions.add(found.version)
                await asyncio.sleep(0.02)
            was_free = await is_free(place)
            slow.release()
            _, is_lost, released = slow.receive()
            assert is_lost or not was_free
            assert await lock.acquire(timeout=PATIENCE)
            assert is_lost or time.monotonic() >= released
            await lock.release()
            return not is_lost


async def test_a_slow_holder_keeps_the_lock(place: str) -> None:
    for ttl in (3 * SHORT, 10 * SHORT, 30 * SHORT):
        # On a busy machine a short lease may end before its holder gets to renew it.
        if await _keeps_the_lock(place, ttl):
            return
    raise AssertionError("the lease was not renewed")


def _append_under_the_lock(number: int, place: str) -> None:
    async def run() -> None:
        async with open_store(place) as store:
            for _ in range(TURNS):
                async with KeyValueLock(store, "l", ttl=LONG) as lock:
                    found = await store.get("log") or {"tokens": []}
                    await asyncio.sleep(0.001)
                    await store.put("log", {"tokens": [*found["tokens"], lock.token], "last": number})

    asyncio.run(run())


async def test_one_process_at_a_time_holds_it(place: str) -> None:
    await asyncio.to_thread(run_together, _append_under_the_lock, PROCESSES, place)
    async with open_store(place) as store:
        log = await store.get("log")
    assert log is not None
    assert len(log["tokens"]) == PROCESSES * TURNS
    assert log["tokens"] == sorted(set(log["tokens"]))
