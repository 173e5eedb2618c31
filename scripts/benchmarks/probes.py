"""Measurements beyond single operations: event loop lag, and the cost of many entries."""

import asyncio
import gc
import random
import resource
import time
from collections.abc import Iterable
from pathlib import Path

from scripts.benchmarks.subject import Subject
from scripts.benchmarks.values import make_values

TASKS = 50
TICK = 0.001
SAMPLES = 5000


async def lag(subject: Subject, seconds: float) -> dict[str, float]:
    """Return how late event loop ticks are while many tasks put and get large values.

    Args:
        subject: Store that the tasks use.
        seconds: Duration, in seconds.
    """
    value = make_values("200 KB")[0]
    end = time.perf_counter() + seconds

    async def work(key: str) -> None:
        while time.perf_counter() < end:
            await subject.put(key, value)
            await subject.get(key)
            await asyncio.sleep(0)

    keys = [f"lag:{number}" for number in range(TASKS)]
    ticks = asyncio.create_task(_ticks(end))
    await asyncio.gather(*map(work, keys))
    late = sorted(await ticks)
    await subject.delete_many(keys)
    return {"p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "max": late[-1]}


async def _ticks(end: float) -> list[float]:
    late: list[float] = []
    while (start := time.perf_counter()) < end:
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - start - TICK)
    return late


async def growth(subject: Subject, counts: list[int]) -> list[dict[str, float]]:
    """Return the cost of a put, a get and an entry at several numbers of entries, half of which expire.

    Args:
        subject: Empty store.
        counts: Numbers of entries, in ascending order.
    """
    before = _resident_bytes()
    found: list[dict[str, float]] = []
    for count in counts:
        filled = int(found[-1]["entries"]) if found else 0
        slowest = await _put_all(subject, range(filled, count))
        gc.collect()
        used = (_resident_bytes() - before) / count
        slowest = max(slowest, await _put_all(subject, range(count)))
        put, get = await _sampled(subject, count)
        found.append({"entries": count, "put": put, "get": get, "bytes": used, "slowest": slowest})
    return found


async def _put_all(subject: Subject, numbers: Iterable[int]) -> float:
    """Put an entry under each number, and return the seconds of the slowest put."""
    value, slowest = make_values("100 B")[0], 0.0
    for number in numbers:
        start = time.perf_counter()
        await subject.put(f"key:{number}", value, ttl=3600 if number % 2 else None)
        slowest = max(slowest, time.perf_counter() - start)
    return slowest


async def _sampled(subject: Subject, count: int) -> tuple[float, float]:
    """Return the mean seconds of a put and of a get of random entries."""
    chosen = [random.randrange(count) for _ in range(SAMPLES)]  # noqa: S311 -- not a secret
    start = time.perf_counter()
    await _put_all(subject, chosen)
    middle = time.perf_counter()
    for number in chosen:
        await subject.get(f"key:{number}")
    return (middle - start) / SAMPLES, (time.perf_counter() - middle) / SAMPLES


def _resident_bytes() -> int:
    """Return the resident memory of this process in bytes; 0 on systems other than Linux."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0
