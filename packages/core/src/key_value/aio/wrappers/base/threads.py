"""Run work on large values in a thread."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE = 65_536
"""Size in bytes beyond which work takes longer than switching threads."""


async def run_in_thread_if_large(work: Callable[[bytes], T], data: bytes) -> T:
    """Call a function with bytes, in a thread if they are large."""
    return await asyncio.to_thread(work, data) if len(data) > LARGE else work(data)
