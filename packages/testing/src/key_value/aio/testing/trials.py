"""Trials of many cases in one test, so that each need not set a store up."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import pytest

T = TypeVar("T")


async def try_each(cases: Mapping[str, T], trial: Callable[[T], Awaitable[None]]) -> None:
    """Try every case, and fail with those that failed.

    Args:
        cases: The cases by their names.
        trial: What to await for each; it must leave nothing behind that another case would find.

    Raises:
        AssertionError: Some failed; the first is its cause.
    """
    failures: dict[str, BaseException] = {}
    for name, case in cases.items():
        try:
            await trial(case)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  -- raised below
            failures[name] = error
    if failures:
        told = "\n".join(f"{name}: {error!r}" for name, error in failures.items())
        first = next(iter(failures.values()))
        raise AssertionError(f"{len(failures)} of {len(cases)} cases failed:\n{told}") from first
