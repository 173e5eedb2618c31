"""Running one operation for each key of a batch."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from key_value.aio.errors import KeyValueStoreError

T = TypeVar("T")


async def for_each(
    keys: Sequence[str], operation: Callable[[int], Awaitable[T]], *, name: str, max_concurrency: int
) -> list[T]:
    """Run an operation for each key, several at a time, and wait for all of them.

    Args:
        keys: The keys of the batch.
        operation: What to await for a key, given its index.
        name: What the whole is called in an error.
        max_concurrency: How many to run at a time.

    Returns:
        The results, in the order of the keys.

    Raises:
        KeyValueStoreError: Some failed; the error is of the kind of the first and names the keys.
        Exception: The first failure, where it is not of a backend.
    """
    results: dict[int, T] = {}
    failures: dict[int, Exception] = {}
    indexes = iter(range(len(keys)))

    async def work(indexes: Iterator[int]) -> None:
        for index in indexes:
            try:
                results[index] = await operation(index)
            except Exception as error:  # noqa: BLE001  -- raised below, once the others have ended
                failures[index] = error

    await asyncio.gather(*(work(indexes) for _ in range(min(max_concurrency, len(keys)))))
    if failures:
        raise _failure(name, keys, failures)
    return [results[index] for index in range(len(keys))]


def _failure(name: str, keys: Sequence[str], failures: dict[int, Exception]) -> Exception:
    first = failures[min(failures)]
    if not isinstance(first, KeyValueStoreError):
        return first
    message = f"{name} failed for {len(failures)} of {len(keys)} keys: {first}"
    failed = ", ".join(repr(keys[index]) for index in sorted(failures))
    error = type(first)(message=message, extra_info={"failed_keys": failed})
    error.__cause__ = first
    return error
