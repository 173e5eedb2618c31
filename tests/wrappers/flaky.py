"""A store that fails on demand."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from typing_extensions import override

from key_value.aio.errors import StoreConnectionError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.wrappers.base import Call, Interceptor

T = TypeVar("T")


class Flaky(Interceptor):
    """Wrapper that fails the next `failures` calls (all of them if -1), and then forwards calls."""

    def __init__(self, key_value: AsyncKeyValue, error: Exception | None = None) -> None:
        super().__init__(key_value)
        self.failures = 0
        self.calls: list[str] = []
        self.error = error or StoreConnectionError(message="away")

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(call.operation)
        if self.failures:
            self.failures -= self.failures > 0
            raise self.error
        return await proceed()
