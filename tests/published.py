"""The published 0.5.0 in separate environments, and entries that each library must read from the other."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from key_value.aio.protocols import AsyncKeyValue
from tests.packaging.environment import succeed

_PROGRAM = """
import asyncio, json, sys

opening, calls = json.load(sys.stdin)

async def main():
    names = {}
    exec(opening, names)
    store = names["store"]
    results = [await getattr(store, operation)(**arguments) for operation, arguments in calls]
    if hasattr(store, "close"):
        await store.close()
    print(json.dumps(results))

asyncio.run(main())
"""

Call = tuple[str, dict[str, Any]]

Entries = Mapping[str, dict[str, Any]]

ENTRIES: Entries = {
    "plain": {"name": "Ada", "born": 1815},
    "empty": {},
    "nested": {"list": [1, "x", None, 2.5, True, [], {"a": {"b": [{}]}}], "objects": [{"a": 1}, {"b": 2}]},
    "numbers": {"big": 2**130, "negative": -(2**63), "float": 0.1, "tiny": 5e-324, "whole": 1e22},
    "texts": {"ключ": "значение", "emoji": "😀", "quotes": "'\"\\", "control": "\x01\n"},
    "large": {"text": "0123456789" * 20_000},
    "user:1": {"key": "has a colon"},
}
TTL = 5000


@dataclass(frozen=True)
class Published:
    """One backend of 0.5.0, installed in a separate environment."""

    python: Path

    def run(self, opening: str, *calls: Call) -> list[Any]:
        """Run operations with 0.5.0 and return their results.

        Args:
            opening: Code that assigns a store to `store`.
            calls: The operations to await, with their arguments.
        """
        done = subprocess.run(
            [self.python, "-I", "-W", "ignore", "-c", _PROGRAM],
            input=json.dumps([opening, calls]),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def write(self, opening: str, collection: str, entries: Entries = ENTRIES) -> None:
        """Store the entries with 0.5.0; those of `<collection>-ttl` get a TTL."""
        keys, values = list(entries), list(entries.values())
        batch = {"keys": keys, "values": values, "collection": f"{collection}-ttl", "ttl": TTL}
        puts = [
            ("put", {"key": key, "value": value, "collection": collection}) for key, value in entries.items()
        ]
        self.run(opening, *puts, ("put_many", batch))

    def check(self, opening: str, collection: str) -> None:
        """Check that 0.5.0 reads the entries that `write` stored."""
        keys = list(ENTRIES)
        values, timed = self.run(
            opening,
            ("get_many", {"keys": keys, "collection": collection}),
            ("ttl_many", {"keys": keys, "collection": f"{collection}-ttl"}),
        )
        assert dict(zip(keys, values, strict=True)) == ENTRIES
        assert dict(zip(keys, (value for value, _ in timed), strict=True)) == ENTRIES
        assert all(TTL - 600 < seconds <= TTL for _, seconds in timed)


async def write(store: AsyncKeyValue, collection: str) -> None:
    """Store the entries as `Published.write` does."""
    for key, value in ENTRIES.items():
        await store.put(key, value, collection=collection)
    await store.put_many(list(ENTRIES), list(ENTRIES.values()), collection=f"{collection}-ttl", ttl=TTL)


async def check(store: AsyncKeyValue, collection: str, entries: Entries = ENTRIES) -> None:
    """Check that the store reads the entries that `Published.write` stored."""
    keys = list(entries)
    values = await store.get_many(keys, collection=collection)
    timed = await store.ttl_many(keys, collection=f"{collection}-ttl")
    assert dict(zip(keys, values, strict=True)) == entries
    assert dict(zip(keys, (value for value, _ in timed), strict=True)) == entries
    assert all(seconds is not None and TTL - 600 < seconds <= TTL for _, seconds in timed)


class Publish(Protocol):
    """Function that creates an environment; see `published`."""

    def __call__(self, extras: str, *further: str) -> Published: ...


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Return a function that creates an environment with 0.5.0 and some of its extras: `published("disk")`.

    Further requirements may pin the version of a driver, for example to that of the server.
    """
    made: dict[tuple[str, ...], Published] = {}

    def publish(extras: str, *further: str) -> Published:
        wanted = (extras, *further)
        if wanted not in made:
            folder = tmp_path_factory.mktemp("published") / "venv"
            succeed("uv", "venv", "--quiet", "--python", sys.executable, folder)
            python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
            requirement = f"py-key-value-aio[{extras}]==0.5.0"
            succeed("uv", "pip", "install", "--quiet", "--python", python, requirement, *further)
            made[wanted] = Published(python)
        return made[wanted]

    return publish
