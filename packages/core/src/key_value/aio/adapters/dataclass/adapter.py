"""A typed view of a store, for dataclasses."""

from collections.abc import Sequence
from dataclasses import is_dataclass
from types import EllipsisType
from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import override

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter
from key_value.aio.protocols.key_value import AsyncKeyValue

T = TypeVar("T")


class DataclassAdapter(BasePydanticAdapter[T]):
    """A typed view of a store, for standard library or pydantic dataclasses, or sequences of them.

    A dataclass is stored as its JSON object, a sequence under the field `items`.
    """

    def __init__(
        self,
        key_value: AsyncKeyValue,
        dataclass_type: type[T],
        default_collection: str | None = None,
        raise_on_validation_error: bool = False,
    ) -> None:
        """Adapt a store.

        Args:
            key_value: Store to adapt.
            dataclass_type: Dataclass, or a sequence of one: `list[Point]`, `tuple[Point, ...]`.
            default_collection: Collection used when a call does not name one; None leaves that to the store.
            raise_on_validation_error: Whether a stored value that does not match the type raises an error
                instead of counting as missing.

        Raises:
            TypeError: `dataclass_type` is neither.
        """
        element = _element(dataclass_type)
        if not is_dataclass(get_origin(element) or element):
            raise TypeError(f"{element} is not a dataclass")
        super().__init__(key_value, dataclass_type, default_collection, raise_on_validation_error)
        self._needs_wrapping = element is not dataclass_type

    @override
    def _get_model_type_name(self) -> str:
        return "dataclass"


def _element(form: Any) -> object:
    """Return the element type of a sequence form, or the form itself if it is not a sequence of one type."""
    origin, arguments = get_origin(form), get_args(form)
    if isinstance(origin, type) and issubclass(origin, Sequence) and arguments:
        others = [each for each in arguments[1:] if not isinstance(each, EllipsisType)]
        return form if others else arguments[0]
    return form
