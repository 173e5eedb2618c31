"""Forks: in the child a store works or raises, and the parent is never affected."""

import asyncio
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

from key_value.aio.errors import StoreConnectionError
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance

SECONDS = 60
"""Seconds after which a child counts as hanging."""


def can_fork(tests: type) -> bool:
    """Return whether this system forks, and the store may be used in the event loop of a child."""
    return sys.platform != "win32" and states(single_loop=None)(tests) and not states(forks=None)(tests)


async def in_child(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine function in a new event loop of a forked child.

    Returns:
        The result, which must be JSON; "refused" after a StoreConnectionError, or the text of another error.

    Raises:
        AssertionError: The child hangs or was ended by a signal.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn about a fork in a process with threads, which a library must support.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _report(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        report = await asyncio.to_thread(pipe.read)
    status = await asyncio.to_thread(_ended, child)
    assert status == 0, f"the child ended with {status}, reporting {report!r}"
    return json.loads(report)


def _report(work: Callable[[], Coroutine[Any, Any, Any]], writer: int) -> None:
    """Write the result of the work and end the process, without cleaning up the parent's objects."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        try:
            result = asyncio.run(work())
        except StoreConnectionError:
            result = "refused"
        except BaseException as error:  # noqa: BLE001 -- reported to the parent
            result = repr(error)
        os.write(writer, json.dumps(result).encode())
    finally:
        os._exit(0)


def _ended(child: int) -> int:
    """Wait for a child and return its exit status; kill it if it hangs."""
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class ForkConformance(Conformance):
    """The fact `forks` states how a used store behaves in a forked child."""

    @when(can_fork)
    async def test_a_forked_child_works_or_is_refused(self, store: Store, collection: str) -> None:
        await store.put("key", {"n": 1}, collection=collection)

        async def use() -> list[Any]:
            found = await store.get("key", collection=collection)
            await store.put("child", {"n": 2}, collection=collection)
            return [found, await store.get("child", collection=collection)]

        expected = "refused" if self.forks == "refuses" else [{"n": 1}, {"n": 2}]
        assert await in_child(use) == expected
        assert await store.get("key", collection=collection) == {"n": 1}

    @when(can_fork)
    async def test_a_forked_child_that_closes_harms_no_parent(self, store: Store, collection: str) -> None:
        keys = [f"key-{n}" for n in range(20)]
        await store.put_many(keys, [{"n": 1}] * 20, collection=collection)

        async def close() -> str:
            await store.close()
            return "closed"

        assert await in_child(close) in {"closed", "refused"}
        assert await store.get_many(keys, collection=collection) == [{"n": 1}] * 20
        await store.put_many(keys, [{"n": 2}] * 20, collection=collection)
        if self.persistent:
            await store.close()
            await store.__aenter__()
        assert await store.get_many(keys, collection=collection) == [{"n": 2}] * 20

    @when(can_fork)
    async def test_a_fork_during_writes_hangs_no_child(self, store: Store, collection: str) -> None:
        """The child must not wait for anything that the parent's writes hold, such as a lock."""
        keys = [f"key-{n}" for n in range(50)]
        await store.put_many(keys, [{"n": 0}] * 50, collection=collection)
        value = {"n": 1, "text": "x" * 1_000}
        puts = [asyncio.ensure_future(store.put(key, value, collection=collection)) for key in keys]
        batch = asyncio.ensure_future(store.put_many(["a", "b"], [value] * 2, collection=collection))
        await asyncio.sleep(0.001)

        async def use() -> Any:
            await store.put("child", {"n": 2}, collection=collection)
            return await store.get("child", collection=collection)

        expected = "refused" if self.forks == "refuses" else {"n": 2}
        assert await in_child(use) == expected
        await asyncio.gather(*puts, batch)
        assert await store.get_many([*keys, "a", "b"], collection=collection) == [value] * 52
