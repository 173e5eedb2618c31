"""Reads of concurrent tasks that share a call."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from key_value.aio._utils.tasks import start_task
from key_value.aio.stores.base.gathered_reads import PER_CALL, GatheredReads


class Backend:
    """A backend that records its calls, and replies once its gate opens."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.reads = GatheredReads[int, str](self.read, self.run)

    async def read(self, addresses: Sequence[int]) -> Sequence[str | None]:
        self.calls.append(list(addresses))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [str(address) if address >= 0 else None for address in addresses]

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.add(start_task(work))


async def begin(backend: Backend, *addresses: int) -> "list[asyncio.Task[str | None]]":
    tasks = [asyncio.create_task(backend.reads.get(address)) for address in addresses]
    await asyncio.sleep(0)
    return tasks


async def test_those_of_one_turn_share_a_call() -> None:
    backend = Backend()
    tasks = await begin(backend, 0, 1, 2, 1, -1)
    await asyncio.sleep(0)
    backend.gate.set()
    assert await asyncio.gather(*tasks) == ["0", "1", "2", "1", None]
    assert backend.calls == [[0], [1, 2, -1]]


async def test_one_that_is_given_up_harms_no_other() -> None:
    backend = Backend()
    tasks = await begin(backend, 0, 1, 1, 2)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.sleep(0)
    backend.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [found[0], found[2]] == ["0", "1"]
    assert backend.calls == [[0], [1]]


async def test_a_failure_is_that_of_all_in_the_call() -> None:
    backend = Backend()
    tasks = await begin(backend, 0, 1, 2)
    backend.failure = KeyError("gone")
    backend.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found == [backend.failure] * 3
    backend.failure = None
    assert await backend.reads.get(1) == "1"


async def test_a_call_has_an_end() -> None:
    backend = Backend()
    tasks = await begin(backend, *range(PER_CALL + 2))
    backend.gate.set()
    assert await asyncio.gather(*tasks) == [str(n) for n in range(PER_CALL + 2)]
    assert list(map(len, backend.calls)) == [1, PER_CALL, 1]


@pytest.mark.parametrize("count", [1, 3])
def test_another_loop_reads_on_its_own(count: int) -> None:
    async def use() -> None:
        backend.gate = asyncio.Event()
        backend.gate.set()
        assert await asyncio.gather(*map(backend.reads.get, range(count))) == [str(n) for n in range(count)]

    backend = Backend()
    asyncio.run(use())
    asyncio.run(use())
