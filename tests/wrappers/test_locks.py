"""Locks by name: first come, first served, for tasks of any event loop."""

import asyncio
import contextlib
import gc
import sys
import threading
from collections.abc import Awaitable, Callable

import pytest

from key_value.aio.stores.memory import MemoryStore
from key_value.aio.testing.suites.forks import in_child
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY
from key_value.aio.wrappers.base.locks import NamedLocks
from key_value.aio.wrappers.encryption import AESGCMEncryptionWrapper
from key_value.aio.wrappers.passthrough_cache import PassthroughCacheWrapper


class Plain(BaseWrapper):
    """A store without abilities, so without versions."""

    drops = EVERY_ABILITY


async def queued(locks: NamedLocks, names: str, log: list[str]) -> "asyncio.Task[None]":
    """Start a task that briefly holds names and records it, and let it enter the queues."""

    async def hold() -> None:
        async with locks.hold(names):
            log.append(names)
            await asyncio.sleep(0)

    task = asyncio.create_task(hold())
    await asyncio.sleep(0)
    return task


async def test_holds_begin_in_the_order_in_which_they_came() -> None:
    locks, log = NamedLocks(), list[str]()
    async with locks.hold("ab"):
        tasks = [await queued(locks, names, log) for names in ("a", "ab", "b", "ca", "b")]
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert [names for names in log if "a" in names] == ["a", "ab", "ca"]
    assert [names for names in log if "b" in names] == ["ab", "b", "b"]


async def test_other_names_do_not_wait() -> None:
    locks = NamedLocks()
    async with locks.hold("a"), locks.hold("b") as waited:
        assert not waited
    async with locks.hold("ab") as waited:
        assert not waited
    assert not locks._queues


async def test_a_hold_says_that_it_had_to_wait() -> None:
    locks = NamedLocks()
    waits: list[bool] = []

    async def hold() -> None:
        async with locks.hold("a") as waited:
            waits.append(waited)
            await asyncio.sleep(0)

    await asyncio.gather(hold(), hold())
    assert waits == [False, True]


async def test_one_that_is_cancelled_lets_the_next_begin() -> None:
    locks, log = NamedLocks(), list[str]()
    async with locks.hold("a"):
        cancelled = await queued(locks, "ab", log)
        waiting = [await queued(locks, names, log) for names in ("b", "a")]
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await asyncio.wait_for(waiting[0], 10)
    await asyncio.wait_for(waiting[1], 10)
    assert log == ["b", "a"]
    assert not locks._queues


async def test_one_that_is_cancelled_as_it_begins_lets_the_next_begin() -> None:
    locks, log = NamedLocks(), list[str]()
    async with locks.hold("a"):
        tasks = [await queued(locks, "a", log) for _ in range(2)]
    tasks[0].cancel()
    await asyncio.wait_for(tasks[1], 10)
    assert log == ["a"]
    assert not locks._queues


def test_one_whose_event_loop_has_been_closed_is_passed_over() -> None:
    locks, log = NamedLocks(), list[str]()
    holding = locks.hold("a")

    async def leave_waiting() -> "asyncio.Task[None]":
        await holding.__aenter__()
        return await queued(locks, "a", log)

    async def go_on() -> None:
        waiting = await queued(locks, "a", log)
        await holding.__aexit__(None, None, None)
        await asyncio.wait_for(waiting, 10)

    loop = asyncio.new_event_loop()
    lost = loop.run_until_complete(leave_waiting())
    loop.close()
    asyncio.run(go_on())
    assert log == ["a"]
    lost.get_coro().close()  # otherwise the garbage collector warns
    del lost
    with contextlib.suppress(RuntimeError):
        gc.collect()
    assert not locks._queues


def test_threads_take_turns() -> None:
    locks, total = NamedLocks(), [0]

    async def add() -> None:
        for _ in range(200):
            async with locks.hold("a"):
                seen = total[0]
                await asyncio.sleep(0)
                total[0] = seen + 1

    threads = [threading.Thread(target=lambda: asyncio.run(add())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert total == [800]


async def overtakes(write: Callable[[], Awaitable[object]], waiting: Awaitable[object]) -> int:
    """Count the writes of a looping task between the start and the end of another operation."""
    writes = 0

    async def keep_writing() -> None:
        nonlocal writes
        while True:
            await write()
            writes += 1

    writer = asyncio.create_task(keep_writing())
    await asyncio.sleep(0)
    before = writes
    await asyncio.wait_for(waiting, 10)
    writer.cancel()
    return writes - before


@pytest.mark.parametrize("operation", ["get", "put", "put_many", "delete_many"])
@pytest.mark.parametrize("kind", ["cache", "encryption"])
async def test_a_writer_in_a_loop_starves_nobody(kind: str, operation: str) -> None:
    class Slow(Plain):
        """Wrapper that lets other tasks run during each write."""

        async def put(self, *args: object, **options: object) -> None:  # pyright: ignore[reportImplicitOverride] -- it forwards everything
            await asyncio.sleep(0)
            await super().put(*args, **options)  # pyright: ignore[reportArgumentType] -- as above

    inner = Slow(MemoryStore())
    store = (
        PassthroughCacheWrapper(inner, MemoryStore())
        if kind == "cache"
        else AESGCMEncryptionWrapper(inner, bytes(32))
    )
    operations: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: store.get("k"),
        "put": lambda: store.put("k", {"n": 2}),
        "put_many": lambda: store.put_many(["k", "l"], [{"n": 2}] * 2),
        "delete_many": lambda: store.delete_many(["l", "k"]),
    }
    assert await overtakes(lambda: store.put("k", {"n": 1}), operations[operation]()) <= 3


async def test_a_batch_gets_its_turn_beside_writers_of_each_key() -> None:
    store = PassthroughCacheWrapper(Plain(MemoryStore()), MemoryStore())

    async def write_both() -> None:
        await asyncio.gather(*(store.put(key, {"n": 1}) for key in "kkll"))

    assert await overtakes(write_both, store.put_many(["k", "l"], [{"n": 2}] * 2)) <= 3


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
async def test_what_the_parent_holds_is_free_in_a_child() -> None:
    locks = NamedLocks()

    async def hold() -> bool:
        async with locks.hold("a"):
            return True

    async with locks.hold("a"):
        waiting = asyncio.create_task(hold())
        await asyncio.sleep(0)
        assert await in_child(lambda: asyncio.wait_for(hold(), 10)) is True
        assert not waiting.done()
    assert await waiting is True
