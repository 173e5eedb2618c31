"""Wait for a condition."""

import asyncio
from collections.abc import Awaitable, Callable


async def async_wait_for_true(
    bool_fn: Callable[[], Awaitable[bool]], tries: int = 10, wait_time: float = 1
) -> bool:
    """Call a function until it returns True.

    Args:
        bool_fn: Function to call.
        tries: Maximum number of calls.
        wait_time: Seconds between two calls.

    Returns:
        Whether it returned True.
    """
    for attempt in range(tries):
        if attempt:
            await asyncio.sleep(wait_time)
        if await bool_fn():
            return True
    return False
