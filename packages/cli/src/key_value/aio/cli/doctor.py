"""Examine a store: whether it can be reached, its speed, its abilities, and its limits."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any
from uuid import uuid4

from key_value.aio.protocols import ABILITIES
from key_value.aio.stores.base import BaseStore
from key_value.aio.urls import open_store

VALUE: Mapping[str, Any] = {"text": "é", "number": 1.5, "list": [1, None, True]}

TTL = 3600.0
"""TTL of the test entries in seconds, so that they do not remain forever if the program is killed."""

FACTS = ("timeout", "batch_limit", "read_limit", "max_concurrency", "reclaim_after", "default_collection")
"""Attributes of a store that describe its limits and settings."""


@dataclass
class Report:
    """The result of an examination."""

    store: str
    """The store and the location of its data, without a password."""
    setup_seconds: float
    """Duration of connecting, in seconds."""
    median_seconds: dict[str, float] = field(default_factory=dict[str, float])
    """Median duration of each operation, in seconds."""
    abilities: dict[str, bool] = field(default_factory=dict[str, bool])
    """Methods that only some stores have, and whether this store has them."""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    """Limits and settings."""
    keeps: bool | None = None
    """Whether test entries were read back with their TTL and were gone once deleted; None if not tried."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return asdict(self)


async def examine(url: str, *, rounds: int, writes: bool) -> Report:
    """Open a store and try it, in a separate collection that is removed afterwards.

    Args:
        url: URL of the store.
        rounds: Number of times each operation is timed.
        writes: Whether to write; otherwise only reads of a missing key are timed.

    Returns:
        The report.
    """
    started = time.perf_counter()
    async with open_store(url) as store:
        report = Report(repr(store), time.perf_counter() - started)
        report.abilities = {each.method: isinstance(store, each.protocol) for each in ABILITIES}
        report.facts = {name: _fact(getattr(store, name)) for name in FACTS if hasattr(store, name)}
        await _try(store, report, rounds=rounds, writes=writes)
    return report


async def _try(store: BaseStore, report: Report, *, rounds: int, writes: bool) -> None:
    collection = f"kv-doctor-{uuid4().hex[:12]}"
    keys = [f"key-{number}" for number in range(rounds)]

    async def timed(name: str, operation: Callable[[str], Awaitable[Any]]) -> list[Any]:
        results: list[Any] = []
        seconds: list[float] = []
        for key in keys:
            started = time.perf_counter()
            results.append(await operation(key))
            seconds.append(time.perf_counter() - started)
        report.median_seconds[name] = median(seconds)
        return results

    if not writes:
        await timed("get", lambda key: store.get(key, collection=collection))
        return
    try:
        await timed("put", lambda key: store.put(key, VALUE, collection=collection, ttl=TTL))
        got = await timed("get", lambda key: store.get(key, collection=collection))
        lives = await store.ttl_many(keys, collection=collection)
        deleted = await timed("delete", lambda key: store.delete(key, collection=collection))
        left = await store.get_many(keys, collection=collection)
    finally:
        await store.delete_many(keys, collection=collection)
    has_ttls = all(seconds is not None and 0 < seconds <= TTL for _, seconds in lives)
    report.keeps = all(value == VALUE for value in got) and has_ttls and all(deleted) and not any(left)


def _fact(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else value
