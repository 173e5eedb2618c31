"""Waiting, and the tolerance for times that a store measures."""

import asyncio
import time

# A test's monotonic clock and a store's wall clock differ by the resolution of the coarser one.
TOLERANCE = 0.03


async def outlive(ttl: float) -> None:
    """Wait until entries stored with this TTL before the call have expired, without reading any.

    A read could make a store drop the entry, and hide how it treats an entry that was not read.
    """
    await asyncio.sleep(ttl + TOLERANCE)


class Stopwatch:
    """Seconds since its creation: at least the age of any entry that is stored afterwards."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
