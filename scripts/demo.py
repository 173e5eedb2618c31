"""Store metadata of the installed distributions, and read it back in a second process."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from importlib.metadata import Distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from pydantic import BaseModel

from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.errors import StoreConnectionError, StoreTimeoutError
from key_value.aio.protocols.key_value import AsyncEnumerateKeysProtocol, AsyncKeyValue
from key_value.aio.stores.redis import RedisStore
from key_value.aio.stores.sqlite import SQLiteStore
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.statistics import StatisticsWrapper

COLLECTION = "distributions"
DAY = 24 * 60 * 60
MOMENT = 0.25
"""TTL of the draft, in seconds: it is read once before it expires and once after."""


class Release(BaseModel):
    """One installed distribution."""

    name: str
    version: str
    summary: str | None
    requires: list[str]
    files: int


class Report(BaseModel):
    """Results of the second process."""

    wrong: int
    hits: int
    misses: int
    listed: int
    least_ttl: float
    microseconds: float


def installed() -> dict[str, Release]:
    """Return the distributions of this environment by name."""
    return {release.name: release for release in map(_release, distributions())}


def _release(distribution: Distribution) -> Release:
    return Release(
        name=distribution.metadata["Name"],
        version=distribution.version,
        summary=cast("str | None", distribution.metadata.json.get("summary")),
        requires=distribution.requires or [],
        files=len(distribution.files or []),
    )


def connect(backend: str) -> StatisticsWrapper:
    """Return the store at a path or a URL, with a prefix for the keys and statistics of its operations."""
    store = RedisStore(url=backend) if "://" in backend else SQLiteStore(backend)
    return StatisticsWrapper(PrefixKeysWrapper(store, prefix="demo"))


def typed(store: AsyncKeyValue) -> PydanticAdapter[Release]:
    return PydanticAdapter(store, Release, default_collection=COLLECTION)


async def write(backend: str, releases: dict[str, Release]) -> None:
    """Store all installed distributions for a day, and one draft for a moment."""
    async with connect(backend) as store:
        adapter = typed(store)
        await adapter.put_many(list(releases), list(releases.values()), ttl=DAY)
        await adapter.put(
            "draft", Release(name="draft", version="0", summary=None, requires=[], files=0), ttl=MOMENT
        )
        if await adapter.get("draft") is None:
            raise SystemExit("the draft was missing before it expired")


async def read(backend: str) -> Report:
    """Wait until the draft has expired, and compare all other entries with the installed distributions."""
    releases = installed()
    async with connect(backend) as store:
        adapter = typed(store)
        while await adapter.get("draft") is not None:  # noqa: ASYNC110  -- stores do not announce expiry
            await asyncio.sleep(MOMENT / 10)
        store.statistics.reset()
        found = [await adapter.get(name) for name in [*releases, "draft"]]
        _, least_ttl = await adapter.ttl(next(iter(releases)))
        keys = await cast("AsyncEnumerateKeysProtocol", store).keys(COLLECTION)
        counts = store.statistics.get_collection(COLLECTION).get
        await adapter.delete_many(keys)
    wrong = sum(release != there for release, there in zip(releases.values(), found, strict=False))
    return Report(
        wrong=wrong,
        hits=counts.hit,
        misses=counts.miss,
        listed=len(keys),
        least_ttl=least_ttl or 0.0,
        microseconds=counts.seconds / counts.count * 1e6,
    )


def read_in_second_process(backend: str) -> Report:
    command = [sys.executable, __file__, "--read", backend]
    return Report(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


async def answers(url: str) -> bool:
    """Return whether a Redis server responds at a URL."""
    try:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(RedisStore(url=url))
            await store.get("demo")
    except (StoreConnectionError, StoreTimeoutError):
        return False
    return True


def show(rows: Iterable[tuple[str, int, Report]]) -> None:
    """Print a table of the results for each store."""
    titles = ("store", "stored", "same", "hits", "misses", "listed", "seconds left", "us per get")
    table = [titles] + [
        (
            name,
            str(stored),
            str(stored - report.wrong),
            str(report.hits),
            f"{report.misses} (the draft, expired)",
            str(report.listed),
            f"{report.least_ttl:.0f}",
            f"{report.microseconds:.0f}",
        )
        for name, stored, report in rows
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--read", metavar="BACKEND", help="run as the second process")
    arguments = parser.parse_args()
    if arguments.read:
        print(asyncio.run(read(arguments.read)).model_dump_json())
        return
    releases = installed()
    url = os.environ.get("REDIS_URL", "redis://localhost:6379")
    with TemporaryDirectory() as directory:
        backends = {"SQLite": str(Path(directory) / "demo.db")}
        if asyncio.run(answers(url)):
            backends["Redis"] = url
        rows: list[tuple[str, int, Report]] = []
        for name, backend in backends.items():
            asyncio.run(write(backend, releases))
            rows.append((name, len(releases), read_in_second_process(backend)))
    show(rows)
    if "Redis" not in backends:
        print("No Redis server responded, so Redis was skipped: set REDIS_URL to its address.")
    if any(report.wrong or report.misses != 1 for _, _, report in rows):
        raise SystemExit("some entries were not read back as they were stored")


if __name__ == "__main__":
    main()
