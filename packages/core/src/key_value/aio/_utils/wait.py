"""Waiting for a condition."""

import asyncio
from collections.abc import Awaitable, Callable


async def async_wait_for_true(
    bool_fn: Callable[[], Awaitable[bool]], tries: int = 10, wait_time: float = 1
) -> bool:
    """Ask until the answer is True.

    Args:
        bool_fn: What to ask.
        tries: How often to ask at most.
        wait_time: Seconds between two questions.

    Returns:
        Whether it was ever True.
    """
    for attempt in range(tries):
        if attempt:
            await asyncio.sleep(wait_time)
        if await bool_fn():
            return True
    return False
