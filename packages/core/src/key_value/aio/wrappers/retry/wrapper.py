"""A wrapper that retries failed operations."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.backoff import exponential_delay
from key_value.aio.errors import OutcomeUnknownError
from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import UNREACHABLE, Call, Interceptor

T = TypeVar("T")

BeforeRetry = Callable[[Call, Exception, float], None]
"""Called with the operation, its error, and the seconds until the retry."""


_CONDITIONAL = frozenset(each.method for each in ABILITIES if each.effect == "write" and each.single_store)


class RetryWrapper(Interceptor):
    """A wrapper that retries an operation when the store cannot be reached or does not respond in time.

    The maximum wait doubles with each attempt, and the actual wait is drawn at random from its upper half, so
    that clients that failed at the same time do not retry at the same time.

    A write whose reply was lost may have been carried out. A retried `delete` may then return False, and
    `delete_many` a smaller number. So a conditional write (`put_if_absent`, `put_if_version`,
    `delete_if_version`, `pop`) is retried only if the error reports that nothing was sent to the backend.
    Otherwise `OutcomeUnknownError` is raised.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        max_retries: int = 3,
        initial_delay: float = 0.1,
        max_delay: float = 10.0,
        exponential_base: float = 2.0,
        retry_on: tuple[type[Exception], ...] = UNREACHABLE,
        *,
        max_seconds: float | None = None,
        before_retry: BeforeRetry | None = None,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            max_retries: Maximum number of retries; 0 or more.
            initial_delay: Delay before the first retry, in seconds.
            max_delay: Maximum delay before any retry, in seconds.
            exponential_base: Factor by which the delay grows with each retry.
            retry_on: Errors to retry. The connection and timeout errors of every store are subclasses of the
                default ones.
            max_seconds: Time after the first attempt, in seconds, after which no further attempt starts; None
                sets no limit.
            before_retry: Called before each wait with the operation, the error and the seconds to wait.

        Raises:
            ValueError: `max_retries` or a number of seconds is negative.
        """
        for name, number in (
            ("max_retries", max_retries),
            ("initial_delay", initial_delay),
            ("max_delay", max_delay),
            ("max_seconds", max_seconds or 0),
        ):
            if number < 0:
                raise ValueError(f"{name} must be 0 or more, not {number}")
        super().__init__(key_value)
        self.max_retries = max_retries
        self.initial_delay = initial_delay
        self.max_delay = max_delay
        self.exponential_base = exponential_base
        self.retry_on = retry_on
        self.max_seconds = max_seconds
        self.before_retry = before_retry

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        deadline = None if self.max_seconds is None else time.monotonic() + self.max_seconds
        try:
            return await proceed()
        except self.retry_on as error:
            _check_repeatable(call, error)
            return await self._retry(call, proceed, error, deadline)

    async def _retry(
        self, call: Call, proceed: Callable[[], Awaitable[T]], error: Exception, deadline: float | None
    ) -> T:
        for attempt in range(self.max_retries):
            delay = self._delay(attempt)
            if deadline is not None and time.monotonic() + delay > deadline:
                break
            if self.before_retry is not None:
                self.before_retry(call, error, delay)
            await asyncio.sleep(delay)
            try:
                return await proceed()
            except self.retry_on as again:
                _check_repeatable(call, again)
                error = again
        raise error

    def _delay(self, attempt: int) -> float:
        longest = exponential_delay(self.initial_delay, self.max_delay, self.exponential_base, attempt)
        return random.uniform(longest / 2, longest)  # noqa: S311  -- not a secret


def _check_repeatable(call: Call, error: Exception) -> None:
    """Reject the retry of a conditional write that may have been carried out.

    Raises:
        OutcomeUnknownError: The write may have been carried out.
    """
    if call.operation in _CONDITIONAL and not getattr(error, "nothing_was_sent", False):
        raise OutcomeUnknownError(
            f"The response to {call.operation} was lost: it may or may not have been applied",
            {"collection": call.collection, "key": next(iter(call.keys), None)},
        ) from error
