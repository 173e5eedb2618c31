"""Timed cases, each of which repeats one operation on a subject."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scripts.benchmarks.subject import Subject
from scripts.benchmarks.values import make_values

BATCH = 100
CONCURRENT = 50
FEW = 100
KEYS = {"100 B": 1000, "2 KB": 1000, "200 KB": 100}


class Load:
    """Keys of one subject, each with a value of one size and time to live."""

    def __init__(self, subject: Subject, size: str, ttl: float | None, *, few: bool = False) -> None:
        values = make_values(size)
        count = min(KEYS[size], FEW) if few else KEYS[size]
        self.subject = subject
        self.ttl = ttl
        # No spaces: 0.5.0 does not support them in memcached keys.
        prefix = f"{size}:{ttl}:".replace(" ", "")
        self.keys = [f"{prefix}{number:04}" for number in range(count)]
        self.values = [values[number % len(values)] for number in range(count)]

    async def fill(self) -> None:
        """Put a value under every key."""
        for number in range(len(self.keys) // BATCH):
            await put_many(self, number)

    async def empty(self) -> None:
        """Delete every key."""
        await self.subject.delete_many(self.keys)


async def put(load: Load, number: int) -> None:
    at = number % len(load.keys)
    await load.subject.put(load.keys[at], load.values[at], ttl=load.ttl)


async def get_hit(load: Load, number: int) -> None:
    if await load.subject.get(load.keys[number % len(load.keys)]) is None:
        raise LookupError(load.keys[number % len(load.keys)])


async def get_miss(load: Load, number: int) -> None:
    await load.subject.get(f"missing:{number % len(load.keys)}")


async def put_many(load: Load, number: int) -> None:
    batch = _batch(load, number)
    await load.subject.put_many(load.keys[batch], load.values[batch], ttl=load.ttl)


async def get_many(load: Load, number: int) -> None:
    await load.subject.get_many(load.keys[_batch(load, number)])


async def delete(load: Load, number: int) -> None:
    await load.subject.delete(load.keys[number])


async def concurrent_gets(load: Load, number: int) -> None:
    start = number * CONCURRENT % len(load.keys)
    await asyncio.gather(*[load.subject.get(key) for key in load.keys[start : start + CONCURRENT]])


def _batch(load: Load, number: int) -> slice:
    start = number * BATCH % len(load.keys)
    return slice(start, start + BATCH)


@dataclass(frozen=True)
class Case:
    """An operation, the number of keys per call, and whether it removes the keys."""

    run: Callable[[Load, int], Awaitable[None]]
    keys: int = 1
    uses_up: bool = False


CASES = {
    "put": Case(put),
    "get hit": Case(get_hit),
    "get miss": Case(get_miss),
    f"get_many({BATCH})": Case(get_many, keys=BATCH),
    f"put_many({BATCH})": Case(put_many, keys=BATCH),
    "delete": Case(delete, uses_up=True),
    f"{CONCURRENT} gets": Case(concurrent_gets, keys=CONCURRENT),
}


async def time_case(name: str, load: Load, times: int) -> tuple[float, float]:
    """Return the wall-clock and CPU seconds per key that a case took in this process."""
    case = CASES[name]
    if case.uses_up:
        await load.fill()
        times = min(times, len(load.keys))
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(times):
        await case.run(load, number)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if case.uses_up:
        await load.fill()
    return wall / times / case.keys, cpu / times / case.keys
