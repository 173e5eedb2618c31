"""Copy the entries of one store to another, page by page, with their TTLs."""

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
"""Seconds by which equal TTLs may differ, because they are read one after another."""

WRITES_AT_A_TIME = 8
"""Number of batches with different TTLs that are written concurrently."""

SHOWN = 100
"""Maximum number of differing keys to report."""


@dataclass
class Copied:
    """The progress of a copy."""

    collections: int = 0
    """Collections that were read completely."""
    copied: int = 0
    """Entries that were written."""
    skipped: int = 0
    """Entries that already existed at the target, with equal values and TTLs."""
    expired: int = 0
    """Entries that expired or were removed after they were listed."""
    verified: int = 0
    """Entries that were read back and are equal."""
    different: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Collections and keys of the first entries that differ when read back."""
    differences: int = 0
    """Number of entries that differ."""


class Entry(NamedTuple):
    """An entry that was read."""

    value: dict[str, Any]
    ends: float | None
    """Expiry time by the monotonic clock; None if it never expires."""

    @property
    def ttl(self) -> float | None:
        """The remaining TTL in seconds, which may be negative."""
        return None if self.ends is None else self.ends - time.monotonic()

    @property
    def has_expired(self) -> bool:
        """Whether the entry has expired."""
        return self.ends is not None and self.ends <= time.monotonic()

    def equals(self, other: "Entry | None", *, slack: float) -> bool:
        """Return whether another entry has the same value and expiry time.

        Args:
            other: The other entry; None if it does not exist.
            slack: Seconds between the reads, by which the times may differ in addition to `TOLERANCE`.
        """
        if other is None or _text(self.value) != _text(other.value):
            return False
        if self.ends is None or other.ends is None:
            return self.ends is other.ends
        return abs(other.ends - self.ends) <= TOLERANCE + slack


class Copier:
    """Copies entries and counts them."""

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
        """Initialize with two stores.

        Args:
            source: Store to read.
            target: Store to write.
            resume: Whether to read the target first, and write only entries that are missing or differ there.
            verify: Whether to read back the written entries and compare them.
            page_size: Number of entries in memory at a time.
            report: Function to call after each page with the collection and the progress.
        """
        self.done = Copied()
        self._source, self._target = source, target
        self._resume, self._verify = resume, verify
        self._page_size = page_size
        self._report = report

    async def copy(self, collections: Sequence[str]) -> Copied:
        """Copy collections.

        Args:
            collections: Names of the collections; all collections of the source if empty.

        Returns:
            The counts of the copy.

        Raises:
            UnableError: The source cannot list its keys, or its collections if none are named.
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
            raise UnableError(self._source, "collections", ": name them with --collection")
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
        """Write entries; those that expire in the same millisecond form one batch."""
        groups: dict[int | None, dict[str, Entry]] = {}
        for key, entry in entries.items():
            moment = None if entry.ends is None else round(entry.ends * 1000)
            groups.setdefault(moment, {})[key] = entry
        batches = list(groups.values())
        for start in range(0, len(batches), WRITES_AT_A_TIME):
            part = batches[start : start + WRITES_AT_A_TIME]
            writes = (self._write_batch(collection, batch) for batch in part)
            # All batches must end before an error closes the store.
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
    """Return the entries that exist, by key."""
    read = await store.ttl_many(keys, collection=collection)
    now = time.monotonic()
    return {
        key: Entry(value, None if seconds is None else now + seconds)
        for key, (value, seconds) in zip(keys, read, strict=True)
        if value is not None
    }


def _text(value: Mapping[str, Any]) -> str:
    # Python treats 1, 1.0 and True as equal, and NaN as different from itself.
    return json.dumps(value, sort_keys=True)
