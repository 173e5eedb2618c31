"""The root of every error that the library raises."""

from typing import Any, TypeVar

from typing_extensions import override

ExtraInfoType = dict[str, str | int | float | bool | None]

ErrorT = TypeVar("ErrorT", bound="BaseKeyValueError")


class BaseKeyValueError(Exception):
    """Any failure of a store, a wrapper or an adapter.

    Attributes:
        message: The text of the error, with `extra_info` in it.
        extra_info: What the text is about, by name.
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
