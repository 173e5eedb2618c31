"""A typed view of a store, for pydantic models."""

from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import override

from key_value.aio.adapters.pydantic.base import BasePydanticAdapter
from key_value.aio.adapters.pydantic.shape import BaseModel, RootModel, is_object
from key_value.aio.protocols.key_value import AsyncKeyValue

T = TypeVar("T", bound=BaseModel | Sequence[BaseModel])


class BaseModelAdapter(BasePydanticAdapter[T]):
    """A typed view of a store, for pydantic models or lists of them.

    A model is stored as its JSON object. A list, or a root model whose JSON is not an object, is stored under
    the field `items`.
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
            key_value: Store to adapt.
            pydantic_model: Model class, or `list[Model]`.
            default_collection: Collection used when a call does not name one; None leaves that to the store.
            raise_on_validation_error: Whether a stored value that does not match the model raises an error
                instead of counting as missing.

        Raises:
            TypeError: `pydantic_model` is neither.
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
    """Return the model class of a form that is a model or a list of models.

    Raises:
        TypeError: The form is neither.
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
