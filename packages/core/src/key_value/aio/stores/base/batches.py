"""Running one operation for each key of a batch, or for some of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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
    return await for_each_part(
        keys, 1, lambda part: operation(part.start), name=name, max_concurrency=max_concurrency
    )


async def for_each_part(
    keys: Sequence[str],
    size: int,
    operation: Callable[[slice], Awaitable[T]],
    *,
    name: str,
    max_concurrency: int,
) -> list[T]:
    """Run an operation for so many keys at a time; see `for_each`.

    Args:
        keys: The keys of the batch.
        size: How many keys to give to an operation.
        operation: What to await for some keys, given which of them; all of those are named where it fails.
        name: What the whole is called in an error.
        max_concurrency: How many operations to run at a time.

    Returns:
        The results, in the order of the keys.
    """
    results: dict[int, T] = {}
    failures: dict[int, Exception] = {}
    starts = range(0, len(keys), size)

    async def work(remaining: Iterator[int]) -> None:
        for start in remaining:
            try:
                results[start] = await operation(slice(start, start + size))
            except Exception as error:  # noqa: BLE001  -- raised below, once the others have ended
                failures[start] = error

    remaining = iter(starts)
    await asyncio.gather(*(work(remaining) for _ in range(min(max_concurrency, len(starts)))))
    if failures:
        failed = [key for start in sorted(failures) for key in keys[start : start + size]]
        raise _failure(name, len(keys), failed, failures)
    return [results[start] for start in starts]


def _failure(name: str, count: int, failed: Sequence[str], failures: Mapping[int, Exception]) -> Exception:
    first = failures[min(failures)]
    if not isinstance(first, KeyValueStoreError):
        return first
    message = f"{name} failed for {len(failed)} of {count} keys: {first}"
    error = type(first)(message=message, extra_info={"failed_keys": ", ".join(map(repr, failed))})
    error.__cause__ = first
    return error
