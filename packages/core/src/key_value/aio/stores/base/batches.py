"""Batches: split to the backend's limits, run several calls at a time, attribute failures to keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar, cast

from key_value.aio.errors import KeyValueStoreError

T = TypeVar("T")


class BatchLimit(NamedTuple):
    """Maximum size of one call to a backend."""

    items: int = 1000
    """Maximum number of entries per call."""
    size: int = 16_000_000
    """Maximum characters or bytes of values per call; a single larger value gets a separate call."""

    def parts(self, sizes: Sequence[int]) -> list[slice]:
        """Split a batch, given the size of each entry's value."""
        if len(sizes) <= self.items and sum(sizes) <= self.size:
            return [slice(0, len(sizes))]
        parts: list[slice] = []
        start = total = 0
        for index, size in enumerate(sizes):
            if index > start and (index - start >= self.items or total + size > self.size):
                parts.append(slice(start, index))
                start, total = index, 0
            total += size
        return [*parts, slice(start, len(sizes))]


async def for_each(
    keys: Sequence[str], operation: Callable[[int], Awaitable[T]], *, name: str, max_concurrency: int
) -> list[T]:
    """Run an operation for each key, several at a time, and wait for all of them.

    Args:
        keys: Keys of the batch.
        operation: Async function called with the index of a key.
        name: Name of the operation in error messages.
        max_concurrency: Maximum number of operations to run at a time.

    Returns:
        The results, in the order of the keys.

    Raises:
        KeyValueStoreError: Some operations failed. The error has the type of the first failure and names the
            failed keys.
        Exception: The first failure, if it is not an error of a backend.
    """

    async def run(part: slice) -> list[T]:
        return [await operation(part.start)]

    parts = [slice(index, index + 1) for index in range(len(keys))]
    return await for_each_part(keys, parts, run, name=name, max_concurrency=max_concurrency)


async def for_each_part(
    keys: Sequence[str],
    parts: Sequence[slice],
    operation: Callable[[slice], Awaitable[Sequence[T | Exception]]],
    *,
    name: str,
    max_concurrency: int,
) -> list[T]:
    """Run an operation for each part of a batch; see `for_each`.

    Args:
        keys: Keys of the batch.
        parts: Parts of the batch, in order.
        operation: Async function called with a part. It returns a result for each key, or an exception for a
            key that was rejected individually. If it raises, all keys of the part have failed.
        name: Name of the operation in error messages.
        max_concurrency: Maximum number of parts to run at a time.

    Returns:
        The results, in the order of the keys.
    """
    found: list[Sequence[T | Exception]] = [()] * len(parts)

    async def work(remaining: Iterator[int]) -> None:
        for index in remaining:
            try:
                found[index] = await operation(parts[index])
            except Exception as error:  # noqa: BLE001  -- raised below, once the others have ended
                found[index] = [error] * len(keys[parts[index]])

    remaining = iter(range(len(parts)))
    if len(parts) == 1:
        await work(remaining)
    else:
        await asyncio.gather(*(work(remaining) for _ in range(min(max_concurrency, len(parts)))))
    results = [result for part in found for result in part]
    failures = {key: each for key, each in zip(keys, results, strict=True) if isinstance(each, Exception)}
    if failures:
        raise _failure(name, len(keys), failures)
    return cast("list[T]", results)


def _failure(name: str, count: int, failures: dict[str, Exception]) -> Exception:
    first = next(iter(failures.values()))
    if not isinstance(first, KeyValueStoreError):
        return first
    message = f"{name} failed for {len(failures)} of {count} keys: {first}"
    error = type(first)(message=message, extra_info={"failed_keys": ", ".join(map(repr, failures))})
    error.__cause__ = first
    return error
