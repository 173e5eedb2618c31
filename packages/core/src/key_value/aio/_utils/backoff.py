"""Repeat an operation that failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def exponential_delay(initial_delay: float, max_delay: float, exponential_base: float, attempt: int) -> float:
    """Return the seconds to wait after attempt 0, 1, 2, ...: exponential, up to a maximum."""
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
    """Call an operation, and retry while it fails with certain errors.

    Args:
        max_retries: Maximum number of retries; 0 or more.
        retry_on: Errors to retry.
        initial_delay: Delay before the first retry, in seconds.
        max_delay: Maximum delay, in seconds.
        exponential_base: Factor by which the delay grows with each retry.
        operation: Function to call.
        *args: Positional arguments of the function.
        **kwargs: Keyword arguments of the function.

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
