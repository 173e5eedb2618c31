"""A typed view of a store, for any type that pydantic can validate."""

from typing import TypeVar

from typing_extensions import TypeForm, override

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter
from key_value.aio.adapters.pydantic.shape import is_object
from key_value.aio.protocols.key_value import AsyncKeyValue

T = TypeVar("T")


class PydanticAdapter(BasePydanticAdapter[T]):
    """A typed view of a store, for any type that pydantic can validate.

    Such types are models, dataclasses, lists, unions and numbers. A type whose JSON is an object is stored as
    that object, any other type under the field `items`.
    """

    def __init__(
        self,
        key_value: AsyncKeyValue,
        pydantic_model: TypeForm[T],
        default_collection: str | None = None,
        raise_on_validation_error: bool = False,
    ) -> None:
        """Adapt a store.

        Args:
            key_value: Store to adapt.
            pydantic_model: Type of the values.
            default_collection: Collection used when a call does not name one; None leaves that to the store.
            raise_on_validation_error: Whether a stored value that does not match the type raises an error
                instead of counting as missing.
        """
        super().__init__(key_value, pydantic_model, default_collection, raise_on_validation_error)
        self._needs_wrapping = not is_object(self._type_adapter)

    @override
    def _get_model_type_name(self) -> str:
        return "pydantic-serializable value"
