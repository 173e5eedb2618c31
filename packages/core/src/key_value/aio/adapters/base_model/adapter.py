"""A typed view of a store, for pydantic models."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import override

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter
from key_value.aio.adapters.pydantic.shape import BaseModel, RootModel, is_object
from key_value.aio.protocols.key_value import AsyncKeyValue

T = TypeVar("T", bound=BaseModel | Sequence[BaseModel])


class BaseModelAdapter(BasePydanticAdapter[T]):
    """Stores pydantic models, or lists of them.

    A model is stored as its object, a list, or a root model that is no object, under the field `items`.
    """

    def __init__(
        self,
        key_value: AsyncKeyValue,
        pydantic_model: type[T],
        default_collection: str | None = None,
        raise_on_validation_error: bool = False,
    ) -> None:
        """Adapt a store.

        Args:
            key_value: The store.
            pydantic_model: The model, or `list[Model]`.
            default_collection: The collection used where none is named; None leaves that to the store.
            raise_on_validation_error: Whether a stored value that is not of the model is an error, rather
                than missing.

        Raises:
            TypeError: It is neither.
        """
        model = _model_of(pydantic_model)
        super().__init__(key_value, pydantic_model, default_collection, raise_on_validation_error)
        self._needs_wrapping = model is not pydantic_model or (
            issubclass(model, RootModel) and not is_object(self._type_adapter)
        )

    @override
    def _get_model_type_name(self) -> str:
        return "BaseModel"


def _model_of(form: Any) -> type[BaseModel]:
    """Return the model that a form is, or is a list of.

    Raises:
        TypeError: It is neither.
    """
    origin = get_origin(form)
    if origin is None:
        if isinstance(form, type) and issubclass(form, BaseModel):
            return form
        raise TypeError(f"pydantic_model must be a BaseModel subclass, got {form}")
    if origin is not list:
        raise TypeError(f"Only list[BaseModel] is supported for sequence types, got {form}")
    (element,) = get_args(form)
    if isinstance(element, type) and issubclass(element, BaseModel):
        return element
    raise TypeError(f"List element type must be a BaseModel subclass, got {element}")
