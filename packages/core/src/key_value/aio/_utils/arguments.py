"""Runtime checks of argument types.

No message repeats a value, which may be a secret: it names the type instead. The environment variable
`PY_KEY_VALUE_DISABLE_BEARTYPE=true` disables all checks.
"""

import functools
import inspect
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, get_args

Items: TypeAlias = Sequence[object] | Mapping[object, object]

_PLAIN: Sequence[object] = (str, int, float, bool, bytes, NoneType)

_STRING = frozenset({str})

P = ParamSpec("P")
T = TypeVar("T")

DISABLED = os.environ.get("PY_KEY_VALUE_DISABLE_BEARTYPE", "false").lower() in ("true", "1", "yes")


def check_key(key: Any) -> str:
    """Return a key as a plain `str`; reject one that is not a string.

    An instance of a subclass of `str`, such as an enumeration member, may format, join and compare
    differently. Inside a store or wrapper, every name is a plain string.
    """
    if type(key) is str:
        return key
    return _plain(key) if isinstance(key, str) else _refuse(f"key must be a str, not {_kind(key)}", key)


def check_collection(collection: Any) -> str | None:
    """Return a collection as a plain `str`, or None; reject anything else."""
    if collection is None or type(collection) is str:
        return collection
    if isinstance(collection, str):
        return _plain(collection)
    return _refuse(f"collection must be a str or None, not {_kind(collection)}", collection)


def check_keys(keys: Any) -> Sequence[str]:
    """Return keys as plain strings; reject anything but a sequence of strings, including a single string."""
    if isinstance(keys, str) or not isinstance(keys, Sequence):
        return _refuse(f"keys must be a sequence of str, not {_kind(keys)}", keys)
    if not are_strings(cast("Items", keys)):
        return _refuse(f"keys must be str: found {_odd(cast('Items', keys))}", keys)
    names = cast("Sequence[str]", keys)
    return names if _STRING.issuperset(map(type, names)) else [check_key(name) for name in names]


def check_value(value: object) -> None:
    """Reject a value that is not a mapping of strings."""
    # Checking `Mapping` takes longer than checking `dict`, the type of nearly every value.
    if not isinstance(value, (dict, Mapping)):
        _refuse(f"value must be a mapping of JSON values, not {_kind(value)}{_advice(value)}", value)
    elif not are_strings(value):  # pyright: ignore[reportUnknownArgumentType] -- its types are what is asked here
        _refuse(f"keys of value must be str: found {_odd(cast('Items', value))}", cast("object", value))


def check_values(keys: Sequence[str], values: object) -> None:
    """Reject values that are not a sequence of string-keyed mappings, or whose number differs from the keys'.

    Raises:
        ValueError: The numbers of keys and values differ.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        _refuse(f"values must be a sequence of mappings, not {_kind(values)}", values)
        return
    items = cast("Items", values)
    if len(keys) != len(items):
        raise ValueError("put_many called but a different number of keys and values were provided")
    for item in items:
        check_value(item)


def check_store(store: object, owner: type) -> None:
    """Reject an object that cannot be used as a store: a class, or an object without `put`."""
    if isinstance(store, type):
        _refuse(f"{owner.__name__} needs a store, not the class {store.__name__}", store)
    elif not hasattr(store, "put"):
        _refuse(f"{owner.__name__} needs a store, not {_kind(store)}", store)


def are_strings(items: Items) -> bool:
    """Return whether all items of a sequence, or all keys of a mapping, are strings."""
    return _STRING.issuperset(map(type, items)) or all(isinstance(item, str) for item in items)


def warns_on_wrong_types(function: Callable[P, T]) -> Callable[P, T]:
    """Make a constructor warn about arguments that do not have their annotated types.

    Only annotations that `isinstance` supports are checked; an int is accepted as a float.
    """
    checked = {} if DISABLED else _checkable(function)
    if not checked:
        return function
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def checking(*args: P.args, **kwargs: P.kwargs) -> T:
        for name, argument in (*zip(names, args, strict=False), *kwargs.items()):
            if name in checked and not isinstance(argument, checked[name]):
                _warn(function, name, argument)
        return function(*args, **kwargs)

    return checking


def check_limit(limit: int | None) -> None:
    """Reject a limit that is negative or not a whole number.

    Raises:
        TypeError: The limit is not a whole number.
        ValueError: The limit is negative.
    """
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):  # pyright: ignore[reportUnnecessaryIsInstance] -- callers may not be typed
        raise TypeError(f"limit must be a whole number or None, not {_kind(limit)}")
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, not {limit}")


def check_version(version: object) -> None:
    """Reject a version that is not a string.

    Raises:
        TypeError: The version is not a string.
    """
    if not isinstance(version, str):
        raise TypeError(f"version must be a str, not {type(version).__name__}")


def check_timeout(timeout: float | None) -> float | None:
    """Return a timeout in seconds, or None; reject one that is not positive and finite.

    Raises:
        ValueError: The timeout is not positive and finite.
    """
    if timeout is not None and not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be a positive, finite number of seconds or None, not {timeout!r}")
    return timeout


def _plain(name: str) -> str:
    # `str(name)` would call the subclass's own method, which returns "Color.RED" for an enumeration member.
    return str.__str__(name)


def _refuse(message: str, value: Any) -> Any:
    """Raise a TypeError, or return the value if such checks are disabled."""
    if not DISABLED:
        raise TypeError(message)
    return value


def _kind(value: object) -> str:
    return type(value).__name__


def _odd(items: Items) -> str:
    """Return the type of the first item that is not a string."""
    return next(_kind(item) for item in items if not isinstance(item, str))


def _advice(value: object) -> str:
    """Return advice on which adapter stores values of this type."""
    kind = _kind(value)
    if hasattr(value, "model_dump"):
        return f": use PydanticAdapter(store, {kind})"
    return f": use DataclassAdapter(store, {kind})" if is_dataclass(value) else ""


def _checkable(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the arguments that `isinstance` can check."""
    return {
        name: hint | int if float in (hint, *get_args(hint)) else hint
        for name, hint in function.__annotations__.items()
        if name != "return" and _is_plain(hint)
    }


def _is_plain(hint: object) -> bool:
    if isinstance(hint, UnionType):
        return all(_is_plain(member) for member in get_args(hint))
    return hint in _PLAIN


def _warn(function: Callable[..., Any], name: str, argument: object) -> None:
    hint = function.__annotations__[name]
    expected = hint.__name__ if isinstance(hint, type) else hint
    message = f"{function.__qualname__}() argument {name} must be {expected}, not {_kind(argument)}"
    warnings.warn(message, UserWarning, stacklevel=3)
