"""A wrapper that cancels operations that take too long."""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.time_limit import TimeLimit
from key_value.aio.errors import StoreTimeoutError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Call, Interceptor

T = TypeVar("T")


class TimeoutWrapper(Interceptor):
    """A wrapper that cancels an operation after a number of seconds and raises `StoreTimeoutError`.

    A cancelled write may or may not have been applied, and a store may still carry it out after the
    error: read before writing again, or write by version. If a conditional write (`put_if_absent`,
    `put_if_version`, `delete_if_version`, `pop`) times out, its outcome is unknown. A batch counts as one
    operation.
    """

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, timeout: float = 5.0) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            timeout: Maximum duration of an operation, in seconds.

        Raises:
            ValueError: `timeout` is not positive.
        """
        super().__init__(key_value)
        self.timeout = timeout

    @property
    def timeout(self) -> float:
        """Maximum duration of an operation, in seconds."""
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        # None sets no limit; the constructor only warns about it.
        if seconds is not None and not seconds > 0:  # pyright: ignore[reportUnnecessaryComparison] -- callers may not be typed
            raise ValueError(f"timeout must be a positive number of seconds, not {seconds}")
        self._timeout = seconds
        self._limit = TimeLimit(seconds) if seconds and seconds < math.inf else None

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        if self._limit is None:
            return await proceed()
        limited = self._limit.start()
        try:
            with limited:
                return await proceed()
        except TimeoutError as error:
            # The wrapped store may raise a TimeoutError itself.
            if limited.has_expired:
                raise self._elapsed(call) from error
            raise

    def _elapsed(self, call: Call) -> StoreTimeoutError:
        return StoreTimeoutError(
            f"{call.operation} took longer than {self.timeout} s", {"collection": call.collection}
        )
