"""Repeating an operation that failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def exponential_delay(initial_delay: float, max_delay: float, exponential_base: float, attempt: int) -> float:
    """Seconds to wait after attempt 0, 1, 2, ...: exponential, up to a maximum."""
    try:
        return min(initial_delay * exponential_base**attempt, max_delay)
    except OverflowError:
        return max_delay


async def async_retry_operation(
    max_retries: int,
    retry_on: tuple[type[Exception], ...],
    initial_delay: float,
    max_delay: float,
    exponential_base: float,
    operation: Callable[P, Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call an operation, and again while it fails with certain errors.

    Args:
        max_retries: How often to repeat it at most; 0 or more.
        retry_on: The errors after which it is repeated.
        initial_delay: Seconds to wait before the first repetition.
        max_delay: Seconds to wait at most.
        exponential_base: What each wait is multiplied by to give the next.
        operation: What to call.
        *args: What to call it with.
        **kwargs: What to call it with by name.

    Raises:
        ValueError: `max_retries` is negative.
    """
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries}")
    for attempt in range(max_retries):
        try:
            return await operation(*args, **kwargs)
        except retry_on:
            await asyncio.sleep(exponential_delay(initial_delay, max_delay, exponential_base, attempt))
    return await operation(*args, **kwargs)
