"""Cost of the optional operations, next to a get and a put."""

import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any

from scripts.benchmarks.cases import Load, get_hit, put
from scripts.benchmarks.plan import TTL
from scripts.benchmarks.subject import Subject

SIZE = "100 B"
PAGE = 20

Seconds = Mapping[str, float]
"""Seconds per key, by operation."""


class Versions:
    """Keys of one subject, with the versions for their next conditional writes."""

    def __init__(self, subject: Subject) -> None:
        self.load = Load(subject, SIZE, None, few=True)
        self.able: Any = subject
        self.versions: dict[str, str] = {}


async def get_versioned(keys: Versions, number: int) -> None:
    key = keys.load.keys[number]
    keys.versions[key] = (await keys.able.get_versioned(key)).version


async def put_if_version(keys: Versions, number: int) -> None:
    key, value = keys.load.keys[number], keys.load.values[number]
    if await keys.able.put_if_version(key, value, version=keys.versions[key]) is None:
        raise LookupError(key)


async def touch(keys: Versions, number: int) -> None:
    if not await keys.able.touch(keys.load.keys[number], ttl=TTL):
        raise LookupError(keys.load.keys[number])


async def scan(keys: Versions, number: int) -> None:
    """Read the first page that is not empty on every `PAGE`th key, so that each key is read once."""
    if number % PAGE:
        return
    page = await keys.able.scan(limit=PAGE)
    while not page.keys:
        if page.cursor is None:
            raise LookupError
        page = await keys.able.scan(limit=PAGE, cursor=page.cursor)


async def pop(keys: Versions, number: int) -> None:
    if await keys.able.pop(keys.load.keys[number]) is None:
        raise LookupError(keys.load.keys[number])


OPERATIONS: Mapping[str, Callable[[Versions, int], Awaitable[None]]] = {
    "get": lambda keys, number: get_hit(keys.load, number),
    "put": lambda keys, number: put(keys.load, number),
    "get_versioned": get_versioned,
    "put_if_version": put_if_version,
    "touch": touch,
    "scan": scan,
    "pop": pop,
}
"""The operations in order: one reads the versions that the next needs, and the last removes the keys."""


async def time_abilities(subject: Subject) -> Seconds:
    """Return the seconds per key of each operation that the subject supports."""
    keys = Versions(subject)
    await keys.load.fill()
    taken: dict[str, float] = {}
    for name, operation in OPERATIONS.items():
        if hasattr(subject, name):
            started = time.perf_counter()
            for number in range(len(keys.load.keys)):
                await operation(keys, number)
            taken[name] = (time.perf_counter() - started) / len(keys.load.keys)
    await keys.load.empty()
    return taken


def medians(rounds: list[Seconds]) -> Seconds:
    """Return the median of each operation."""
    return {name: median(each[name] for each in rounds) for name in rounds[0]}
