"""Copy the entries of one store to another, page by page, with their times to live."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from key_value.aio.cli.pages import pages
from key_value.aio.cli.running import UnableError
from key_value.aio.protocols import AsyncEnumerateCollectionsProtocol, AsyncKeyValue

TOLERANCE = 1.0
"""Seconds by which two times to live may differ and be the same: they are read one after another."""

WRITES_AT_A_TIME = 8
"""Batches of different times to live that are written at a time."""

SHOWN = 100
"""How many keys that differ are named."""


@dataclass
class Copied:
    """What a copy has done so far."""

    collections: int = 0
    """Collections that were read to their end."""
    copied: int = 0
    """Entries that were written."""
    skipped: int = 0
    """Entries that the target had already, equal and with the same time to live."""
    expired: int = 0
    """Entries that expired or were removed after they were listed."""
    verified: int = 0
    """Entries that were read back and are equal."""
    different: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """The collection and key of the first entries that were read back and differ."""
    differences: int = 0
    """How many differ."""


class Entry(NamedTuple):
    """An entry that was read."""

    value: dict[str, Any]
    ends: float | None
    """When it expires, by the monotonic clock; None if it never does."""

    @property
    def ttl(self) -> float | None:
        """Seconds that it has left, which may be negative."""
        return None if self.ends is None else self.ends - time.monotonic()

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return self.ends is not None and self.ends <= time.monotonic()

    def equals(self, other: "Entry | None", *, slack: float) -> bool:
        """Return whether another entry has the same value and expires at the same time.

        Args:
            other: The other entry; None if there is none.
            slack: Seconds that passed meanwhile, by which either time may be wrong besides `TOLERANCE`.
        """
        if other is None or _text(self.value) != _text(other.value):
            return False
        if self.ends is None or other.ends is None:
            return self.ends is other.ends
        return abs(other.ends - self.ends) <= TOLERANCE + slack


class Copier:
    """Copies entries, and counts what it does."""

    def __init__(
        self,
        source: AsyncKeyValue,
        target: AsyncKeyValue,
        *,
        resume: bool = False,
        verify: bool = False,
        page_size: int = 1000,
        report: Callable[[str, Copied], None] = lambda _, __: None,
    ) -> None:
        """Prepare to copy.

        Args:
            source: The store to read.
            target: The store to write.
            resume: Whether to read from the target first, and to write only what is missing there or differs.
            verify: Whether to read back what was written, and to compare.
            page_size: How many entries are in memory at a time.
            report: Called after each page with the collection and what was done.
        """
        self.done = Copied()
        self._source, self._target = source, target
        self._resume, self._verify = resume, verify
        self._page_size = page_size
        self._report = report

    async def copy(self, collections: Sequence[str]) -> Copied:
        """Copy collections.

        Args:
            collections: Their names; all that there are if there is none.

        Returns:
            What was done.

        Raises:
            UnableError: The source cannot list its keys, or its collections where none is named.
        """
        for collection in collections or await self._collections():
            self._report(collection, self.done)
            async for keys in pages(self._source, collection, size=self._page_size):
                await self._copy_page(collection, keys)
                self._report(collection, self.done)
            self.done.collections += 1
        return self.done

    async def _collections(self) -> list[str]:
        if not isinstance(self._source, AsyncEnumerateCollectionsProtocol):
            raise UnableError(self._source, "collections", ": name some by --collection")
        return sorted(await self._source.collections())

    async def _copy_page(self, collection: str, keys: Sequence[str]) -> None:
        started = time.monotonic()
        found = await _read(self._source, collection, keys)
        self.done.expired += len(keys) - len(found)
        if self._resume:
            there = await _read(self._target, collection, list(found))
            slack = time.monotonic() - started
            same = {key for key, entry in found.items() if entry.equals(there.get(key), slack=slack)}
            self.done.skipped += len(same)
            found = {key: entry for key, entry in found.items() if key not in same}
        await self._write(collection, found)
        if self._verify:
            await self._compare(collection, found, started)

    async def _write(self, collection: str, entries: Mapping[str, Entry]) -> None:
        """Write entries, those that expire in the same millisecond in one batch."""
        groups: dict[int | None, dict[str, Entry]] = {}
        for key, entry in entries.items():
            moment = None if entry.ends is None else round(entry.ends * 1000)
            groups.setdefault(moment, {})[key] = entry
        batches = list(groups.values())
        for start in range(0, len(batches), WRITES_AT_A_TIME):
            part = batches[start : start + WRITES_AT_A_TIME]
            writes = (self._write_batch(collection, batch) for batch in part)
            # All have ended before an error closes the store.
            failed = [each for each in await asyncio.gather(*writes, return_exceptions=True) if each]
            if failed:
                raise failed[0]

    async def _write_batch(self, collection: str, batch: Mapping[str, Entry]) -> None:
        latest = max(batch.values(), key=lambda entry: entry.ends or 0.0)
        seconds = latest.ttl
        if seconds is not None and seconds <= 0:
            self.done.expired += len(batch)
            return
        values = [entry.value for entry in batch.values()]
        await self._target.put_many(list(batch), values, collection=collection, ttl=seconds)
        self.done.copied += len(batch)

    async def _compare(self, collection: str, entries: Mapping[str, Entry], started: float) -> None:
        there = await _read(self._target, collection, list(entries))
        slack = time.monotonic() - started
        for key, entry in entries.items():
            if entry.equals(there.get(key), slack=slack):
                self.done.verified += 1
            elif not entry.has_expired:
                self.done.differences += 1
                self.done.different += [(collection, key)] if len(self.done.different) < SHOWN else []


async def _read(store: AsyncKeyValue, collection: str, keys: Sequence[str]) -> dict[str, Entry]:
    """Return those of the entries that are there."""
    read = await store.ttl_many(keys, collection=collection)
    now = time.monotonic()
    return {
        key: Entry(value, None if seconds is None else now + seconds)
        for key, (value, seconds) in zip(keys, read, strict=True)
        if value is not None
    }


def _text(value: Mapping[str, Any]) -> str:
    # Python takes 1, 1.0 and True for equal, and NaN for different from itself.
    return json.dumps(value, sort_keys=True)
