"""Waiting, and what a store may be held to while time passes."""

import asyncio
import time

# The monotonic clock of a test and the wall clock of a store differ by the coarser one's resolution.
TOLERANCE = 0.03


async def outlive(ttl: float) -> None:
    """Return when whatever was stored with this TTL before the call has expired, with nothing read meanwhile.

    A read could make a store drop the entry, and so hide what it does with one that was not read.
    """
    await asyncio.sleep(ttl + TOLERANCE)


class Stopwatch:
    """Seconds since it was made: at least as many as an entry that is stored afterwards has lived."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
