"""A background task that culls a store at intervals while an `async with` block runs."""

import asyncio
import logging
import math
import random
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import SupportsFloat

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.protocols.abilities import AsyncCullProtocol

_log = logging.getLogger("key_value.aio")


def expire_every(
    store: object, seconds: SupportsFloat, *, jitter: float = 0.1
) -> AbstractAsyncContextManager[None]:
    """Remove expired entries from a store at intervals, in a task that ends with the `async with` block.

    ```python
    async with S3Store(bucket_name="sessions") as store, expire_every(store, 3600):
        ...
    ```

    The first cull runs after one interval. A cull that fails is logged as a warning and tried again after the
    next interval. Leaving the block stops a cull in progress; a write that it has already sent completes
    first.

    Args:
        store: Store with `cull`. Some have none: memcached, for example, removes expired entries itself.
        seconds: Interval between the end of one cull and the start of the next, in seconds.
        jitter: Fraction of the interval by which each one is randomly longer or shorter, from 0 up to, but
            not including, 1. It keeps processes that started together from culling at the same time.

    Returns:
        An async context manager.

    Raises:
        TypeError: The store has no `cull`.
        ValueError: `seconds` is not positive and finite, or `jitter` is not in its range.
    """
    if not isinstance(store, AsyncCullProtocol):
        raise TypeError(
            f"expire_every requires a store with cull(), which {type(store).__name__} does not have"
        )
    interval = float(seconds)
    if not 0 < interval < math.inf:
        raise ValueError(f"seconds must be a positive, finite number, not {interval!r}")
    if not 0 <= jitter < 1:
        raise ValueError(f"jitter must be at least 0 and less than 1, not {jitter!r}")
    return _culling(store, interval, jitter)


@asynccontextmanager
async def _culling(store: AsyncCullProtocol, interval: float, jitter: float) -> AsyncGenerator[None]:
    task = asyncio.create_task(_cull_repeatedly(store, interval, jitter))
    try:
        yield
    finally:
        task.cancel()
        # Awaiting the task itself would raise its CancelledError here.
        await asyncio.wait([task])


async def _cull_repeatedly(store: AsyncCullProtocol, interval: float, jitter: float) -> None:
    while True:
        await asyncio.sleep(interval * random.uniform(1 - jitter, 1 + jitter))  # noqa: S311 -- not a secret
        try:
            await store.cull()
        except Exception as error:  # noqa: BLE001 -- logged, and the next cull may succeed
            # The message of a driver's own exception may quote stored values.
            reason = error if isinstance(error, BaseKeyValueError) else type(error).__name__
            _log.warning("%r could not remove expired entries and will try again: %s", store, reason)
