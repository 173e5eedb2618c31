"""Base class of the typed views of a store, which convert values to JSON and back with pydantic."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, overload

from typing_extensions import TypeForm, override

try:
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import PydanticSerializationError, to_json
except ImportError as error:
    raise ImportError("This adapter needs pydantic: pip install 'py-key-value-aio[pydantic]'") from error

from key_value.aio._utils.arguments import check_store
from key_value.aio._utils.time_to_live import to_seconds
from key_value.aio.adapters.abilities import AbilitiesOfStore
from key_value.aio.adapters.pydantic.round_trip import difference, fields_of, plain_type
from key_value.aio.adapters.pydantic.shape import make_dump, make_type_adapter
from key_value.aio.errors import DeserializationError, SerializationError
from key_value.aio.protocols.extending import plain_class
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive

T = TypeVar("T")

WRAPPER = "items"
"""Field that holds values whose JSON is not an object: a list, a number, a union."""

logger = logging.getLogger(__name__)


class BasePydanticAdapter(AbilitiesOfStore[T]):
    """A typed view of a store, for one type that pydantic converts to JSON and back.

    Fields are stored under their names, regardless of aliases, and computed fields are not stored, so that
    the type can read everything it dumps. Values stored under aliases can be read as well. A value that would
    not read back equal is rejected; where the type is `Any`, its JSON is read. To store a secret on purpose,
    give its field a serializer that reveals it.
    """

    _key_value: AsyncKeyValue
    _type_adapter: TypeAdapter[T]
    _default_collection: str | None
    _raise_on_validation_error: bool
    _needs_wrapping: bool

    def __init__(
        self,
        key_value: AsyncKeyValue,
        form: TypeForm[T],
        default_collection: str | None,
        raise_on_validation_error: bool,
    ) -> None:
        """Adapt a store. The subclass sets `_needs_wrapping`: whether values are stored under `items`."""
        check_store(key_value, type(self))
        self._key_value = key_value
        self._form: str = getattr(form, "__name__", None) or str(form)
        self._type_adapter = make_type_adapter(form)
        self._default_collection = default_collection
        self._raise_on_validation_error = raise_on_validation_error
        self._dump = make_dump(self._type_adapter)
        self._plain_type = plain_type(self._type_adapter.core_schema)
        self._adapt(key_value)

    @override
    def __repr__(self) -> str:
        return f"{plain_class(type(self)).__name__}[{self._form}]({self._key_value!r})"

    @abstractmethod
    def _get_model_type_name(self) -> str:
        """Hook: return the name for a value in error messages."""

    @overload
    async def get(self, key: str, *, collection: str | None = None, default: T) -> T: ...

    @overload
    async def get(self, key: str, *, collection: str | None = None, default: None = None) -> T | None: ...

    async def get(self, key: str, *, collection: str | None = None, default: T | None = None) -> T | None:
        """Read one value.

        Args:
            key: Key of the entry.
            collection: Collection to read from.
            default: Value to return if the key is missing.

        Raises:
            DeserializationError: The stored value is not of the type, and `raise_on_validation_error` is set;
                otherwise the failure is logged and counts as a miss.
        """
        stored = await self._key_value.get(key, collection=collection or self._default_collection)
        value = self._load(stored)
        return default if value is None else value

    @overload
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, default: T
    ) -> list[T]: ...

    @overload
    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, default: None = None
    ) -> list[T | None]: ...

    async def get_many(
        self, keys: Sequence[str], *, collection: str | None = None, default: T | None = None
    ) -> list[T] | list[T | None]:
        """Read several values, in the order of the keys, with the arguments and errors of `get`."""
        stored = await self._key_value.get_many(keys, collection=collection or self._default_collection)
        values = [self._load(value) for value in stored]
        return [default if value is None else value for value in values]

    async def ttl(self, key: str, *, collection: str | None = None) -> tuple[T | None, float | None]:
        """Read one value and its remaining seconds to live, with the arguments and errors of `get`."""
        found = await self._key_value.ttl(key, collection=collection or self._default_collection)
        return self._load_found(found)

    async def ttl_many(
        self, keys: Sequence[str], *, collection: str | None = None
    ) -> list[tuple[T | None, float | None]]:
        """Read several values and their remaining seconds to live, with the arguments and errors of `get`."""
        found = await self._key_value.ttl_many(keys, collection=collection or self._default_collection)
        return [self._load_found(entry) for entry in found]

    async def put(
        self, key: str, value: T, *, collection: str | None = None, ttl: TimeToLive | None = None
    ) -> None:
        """Store one value.

        Args:
            key: Key of the entry.
            value: Value to store.
            collection: Collection to store in.
            ttl: Seconds to live or a timedelta; None means the entry never expires.

        Raises:
            SerializationError: pydantic cannot convert the value to JSON, or the value would not read back
                equal: a `SecretStr` is dumped as asterisks, an excluded field is not dumped, and a subclass
                is dumped without the fields that it adds.
        """
        collection = collection or self._default_collection
        await self._key_value.put(key, self._stored(value), collection=collection, ttl=to_seconds(ttl))

    async def put_many(
        self,
        keys: Sequence[str],
        values: Sequence[T],
        *,
        collection: str | None = None,
        ttl: TimeToLive | None = None,
    ) -> None:
        """Store several values, with the arguments and errors of `put`."""
        collection = collection or self._default_collection
        stored = [self._stored(value) for value in values]
        await self._key_value.put_many(keys, stored, collection=collection, ttl=to_seconds(ttl))

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Remove one value and return whether it existed."""
        return await self._key_value.delete(key, collection=collection or self._default_collection)

    async def delete_many(self, keys: Sequence[str], *, collection: str | None = None) -> int:
        """Remove several values and return how many existed."""
        return await self._key_value.delete_many(keys, collection=collection or self._default_collection)

    @override
    def _store(self) -> AsyncKeyValue:
        return self._key_value

    @override
    def _collection(self, collection: str | None) -> str | None:
        return collection or self._default_collection

    @override
    async def _values(self, keys: Sequence[str], collection: str | None) -> Sequence[T | None]:
        return await self.get_many(keys, collection=collection)

    @override
    def _encode(self, value: T) -> dict[str, Any]:
        return self._stored(value)

    @override
    def _decode(self, stored: dict[str, Any]) -> T | None:
        return self._load(stored)

    def _stored(self, value: T) -> dict[str, Any]:
        """Return the mapping to store for a value that reads back equal.

        Raises:
            SerializationError: The value cannot be converted to JSON, or would not read back equal.
        """
        try:
            dumped = self._dump(value, mode="json", by_alias=False, round_trip=True, warnings=False)
        except ValueError as error:
            raise SerializationError(f"Invalid {self._get_model_type_name()}: {error}") from error
        if self._plain_type is None or not self._plain_type.holds(value):
            self._check_round_trip(value, dumped)
        return {WRAPPER: dumped} if self._needs_wrapping else dumped

    def _check_round_trip(self, value: T, dumped: object) -> None:
        try:
            lost = difference(value, self._read(dumped))
        except ValidationError as error:
            name = next(iter(error.errors(include_input=False)[0]["loc"]), None)
            lost = f".{name}" if name in (fields_of(value) or ()) else ""
        if lost is not None:
            where = f"field {lost.removeprefix('.')!r}" if lost else "the value"
            raise SerializationError(
                f"Invalid {self._get_model_type_name()}: {where} would not read back equal, so nothing was"
                f" stored; give its type a serializer and a validator that preserve it"
            )

    def _load(self, stored: Mapping[str, Any] | None) -> T | None:
        if stored is None:
            return None
        if not self._needs_wrapping:
            return self._validate(stored)
        if WRAPPER in stored:
            return self._validate(stored[WRAPPER])
        problem = "missing 'items' wrapper"
        if self._raise_on_validation_error:
            raise DeserializationError(f"Invalid {self._get_model_type_name()} payload: {problem}")
        extra = {"model_type": self._get_model_type_name(), "error": problem}
        logger.error("Missing 'items' wrapper for %s", self._get_model_type_name(), extra=extra)
        return None

    def _load_found(self, found: tuple[dict[str, Any] | None, float | None]) -> tuple[T | None, float | None]:
        value = self._load(found[0])
        return (None, None) if value is None else (value, found[1])

    def _validate(self, stored: object) -> T | None:
        try:
            return self._read(stored)
        except ValidationError as failure:
            errors = failure.errors(include_url=False, include_input=False, include_context=False)
            if self._raise_on_validation_error:
                raise DeserializationError(f"Invalid {self._get_model_type_name()}: {errors}") from failure
            extra = {
                "model_type": self._get_model_type_name(),
                "error_count": failure.error_count(),
                "errors": errors,
            }
            # Log without the exception, whose text quotes the stored value.
            logger.error("Validation failed for %s", self._get_model_type_name(), extra=extra)
            return None

    def _read(self, stored: object) -> T:
        """Validate stored data by field names, and if that fails, by aliases.

        Raises:
            ValidationError: Neither succeeds; the error is the one for names.
        """
        validator = self._type_adapter.validator
        try:
            validate = partial(validator.validate_json, to_json(stored, inf_nan_mode="constants"))
        except PydanticSerializationError:
            # Lone surrogates, which pydantic's JSON cannot represent.
            validate = partial(validator.validate_python, stored)
        try:
            return validate(by_alias=False, by_name=True)
        except ValidationError as failure:
            try:
                return validate(by_alias=True)
            except ValidationError:
                raise failure from None
