"""Writes that a store acknowledges while its server ends, hangs and restarts."""

import asyncio
from collections.abc import Callable

from key_value.aio.errors import OutcomeUnknownError, StoreConnectionError, StoreTimeoutError
from key_value.aio.testing.operations import Store


class Load:
    """Tasks that write, and read their own writes, until the end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.acknowledged: dict[str, int] = {}
        self.unknown: dict[str, set[int]] = {}
        self.failures = self.writes = 0
        self.is_over = False
        self.tasks = [asyncio.create_task(self.write(f"k{n}")) for n in range(8)]

    async def write(self, key: str) -> None:
        number = 0
        while not self.is_over:
            number += 1
            try:
                await self.store.put(key, {"n": number})
                self.acknowledged[key] = number
                self.unknown.pop(key, None)
                self.writes += 1
                assert await self.store.get(key) == {"n": number}
            except (StoreConnectionError, StoreTimeoutError, OutcomeUnknownError):
                self.unknown.setdefault(key, set()).add(number)
                self.failures += 1

    async def acknowledges(self, count: int) -> None:
        wanted = self.writes + count
        await self.until(lambda: self.writes >= wanted)

    async def fails(self, count: int) -> None:
        wanted = self.failures + count
        await self.until(lambda: self.failures >= wanted)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            for task in self.tasks:
                if task.done():
                    await task
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.is_over = True
        await asyncio.gather(*self.tasks)

    async def check(self) -> None:
        """Check that each key has its acknowledged value, or a later one whose reply was lost."""
        for key, number in self.acknowledged.items():
            entry = await self.store.get(key)
            assert entry is not None
            assert entry["n"] in {number, *self.unknown.get(key, ())}
