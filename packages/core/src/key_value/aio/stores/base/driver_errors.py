"""Turning a driver's errors into those that an application can catch for any store."""

from collections.abc import Callable
from types import TracebackType

from key_value.aio.errors import (
    BaseKeyValueError,
    ExtraInfoType,
    KeyValueStoreError,
    StoreConnectionError,
    StoreTimeoutError,
)


class DriverErrors:
    """A context in which a driver's errors become the library's, with the driver's own as the cause."""

    __slots__ = ("_meaning",)

    def __init__(self, meaning: Callable[[Exception], BaseKeyValueError | None]) -> None:
        """Say what errors mean.

        Args:
            meaning: What to raise for an error; None leaves it as it is.
        """
        self._meaning = meaning

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(exc_value, Exception) and not isinstance(exc_value, BaseKeyValueError):
            meaning = self._meaning(exc_value)
            if meaning is not None:
                raise meaning from exc_value


def sqlite_error(error: Exception, extra_info: ExtraInfoType) -> KeyValueStoreError:
    """What an error of SQLite means, of which Python 3.10 knows the message alone."""
    kind = KeyValueStoreError
    text = str(error)
    if "locked" in text:
        kind = StoreTimeoutError
    elif "unable to open" in text:
        kind = StoreConnectionError
    return kind(message=text, extra_info=extra_info)
