"""Work on large values, away from the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE = 65_536
"""Bytes beyond which work takes longer than a change of threads does."""


async def away(work: Callable[[bytes], T], data: bytes) -> T:
    """Do something to bytes, in a thread if they are many."""
    return await asyncio.to_thread(work, data) if len(data) > LARGE else work(data)
