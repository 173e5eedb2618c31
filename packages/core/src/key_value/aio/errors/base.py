"""The base class of all errors raised by the library."""

from typing import Any, TypeVar

from typing_extensions import override

ExtraInfoType = dict[str, str | int | float | bool | None]

ErrorT = TypeVar("ErrorT", bound="BaseKeyValueError")


class BaseKeyValueError(Exception):
    """Base class of the errors of stores, wrappers and adapters.

    Attributes:
        message: Text of the error, including `extra_info`.
        extra_info: Details of the error, by name.
    """

    message: str
    extra_info: ExtraInfoType | None

    def __init__(self, message: str | None = None, extra_info: ExtraInfoType | None = None) -> None:
        details = ";".join(f"{name}: {value}" for name, value in (extra_info or {}).items())
        if message and details:
            details = f"({details})"
        self.message = ": ".join(part for part in (message, details) if part)
        self.extra_info = extra_info
        super().__init__(self.message)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call the subclass's constructor with the finished text as its first argument.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[ErrorT], args: tuple[Any, ...], state: dict[str, Any]) -> ErrorT:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
