"""Trials of many cases in one test, so that the store is set up only once."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from itertools import product
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

Test = Callable[..., Coroutine[Any, Any, None]]


async def try_each(
    cases: Mapping[str, T], trial: Callable[[T], Awaitable[None]], *, at_once: bool = False
) -> None:
    """Try every case, and fail with a report of those that failed.

    Args:
        cases: The cases by name.
        trial: Coroutine function to await for each case; it must leave no data behind that affects others.
        at_once: Whether the cases may run concurrently: for cases that wait, or take a round trip each.

    Raises:
        AssertionError: At least one case failed; the first failure is the cause.
    """
    failures: dict[str, BaseException] = {}

    async def attempt(name: str, case: T) -> None:
        try:
            await trial(case)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  -- raised below
            failures[name] = error

    if at_once:
        await asyncio.gather(*(attempt(name, case) for name, case in cases.items()))
    else:
        for name, case in cases.items():
            await attempt(name, case)
    if failures:
        report = "\n".join(f"{name}: {error!r}" for name, error in failures.items())
        first = next(iter(failures.values()))
        raise AssertionError(f"{len(failures)} of {len(cases)} cases failed:\n{report}") from first


def over(*names: str, at_once: bool = False, **tables: Mapping[str, Any]) -> Callable[[Test], Test]:
    """Try a test with every combination of some arguments, each in a separate collection.

    Args:
        names: Arguments of the test whose cases are in `Conformance.parameters`.
        at_once: Whether the combinations may run concurrently.
        tables: Cases of further arguments, by name.
    """

    def decorate(test: Test) -> Test:
        @wraps(test)
        async def tried(self: Any, **fixtures: Any) -> None:
            parameters: Mapping[str, Mapping[str, Any]] = self.parameters()
            axes = {**{name: parameters[name] for name in names}, **tables}
            combinations = product(*(cases.items() for cases in axes.values()))
            trials = {
                "-".join(label for label, _ in chosen): (
                    number,
                    {axis: case for axis, (_, case) in zip(axes, chosen, strict=True)},
                )
                for number, chosen in enumerate(combinations)
            }

            async def trial(numbered: tuple[int, Mapping[str, Any]]) -> None:
                number, arguments = numbered
                own = {"collection": f"{fixtures['collection']}-{number}"} if "collection" in fixtures else {}
                await test(self, **{**fixtures, **own, **arguments})

            await try_each(trials, trial, at_once=at_once)

        signature = inspect.signature(test)
        left = [each for each in signature.parameters.values() if each.name not in {*names, *tables}]
        vars(tried)["__signature__"] = signature.replace(parameters=left)
        return tried

    return decorate


def named(*cases: T) -> dict[str, T]:
    """Return the cases by their text."""
    return {str(case): case for case in cases}
