"""A wrapper that gives up on operations that take too long."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.errors import StoreTimeoutError
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Call, Interceptor

T = TypeVar("T")


class TimeoutWrapper(Interceptor):
    """Cancels an operation that takes longer than a number of seconds, and raises `StoreTimeoutError`.

    A write that was cancelled may or may not have been carried out, and a store may still carry it out after
    the error: read before writing again, or write by version. Of a conditional write (`put_if_absent`,
    `put_if_version`, `delete_if_version`, `pop`) that timed out the outcome is unknown. A batch has the time
    of one operation.
    """

    @warns_on_wrong_types
    def __init__(self, key_value: AsyncKeyValue, timeout: float = 5.0) -> None:
        """Wrap a store.

        Args:
            key_value: The store.
            timeout: Seconds that an operation may take.

        Raises:
            ValueError: `timeout` is not positive.
        """
        # None, of which the constructor only warns, sets no limit.
        if timeout is not None and not timeout > 0:  # pyright: ignore[reportUnnecessaryComparison] -- callers may not be typed
            raise ValueError(f"timeout must be a positive number of seconds, not {timeout}")
        super().__init__(key_value)
        self.timeout = timeout

    if sys.version_info >= (3, 11):

        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            limit = asyncio.timeout(self.timeout)
            try:
                async with limit:
                    return await proceed()
            except TimeoutError as error:
                # The wrapped store may itself raise one.
                if limit.expired():
                    raise self._elapsed(call) from error
                raise

    else:

        @override
        async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
            task = asyncio.ensure_future(proceed())
            try:
                return await asyncio.wait_for(task, self.timeout)
            except asyncio.TimeoutError as error:
                # The wrapped store may itself raise one.
                if task.cancelled():
                    raise self._elapsed(call) from error
                raise

    def _elapsed(self, call: Call) -> StoreTimeoutError:
        return StoreTimeoutError(
            f"{call.operation} took longer than {self.timeout} s", {"collection": call.collection}
        )
