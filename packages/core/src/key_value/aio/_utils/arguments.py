"""Checks of argument types at run time.

A plain `isinstance` decides; beartype is loaded only to judge and explain what failed it, since importing it
takes longer than importing everything else. `PY_KEY_VALUE_DISABLE_BEARTYPE=true` in the environment turns
every check off.
"""

import functools
import inspect
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, get_args

Items: TypeAlias = Sequence[object] | Mapping[object, object]

_PLAIN: Sequence[object] = (str, int, float, bool, bytes, NoneType)

_STRING = frozenset({str})

P = ParamSpec("P")
T = TypeVar("T")

DISABLED = os.environ.get("PY_KEY_VALUE_DISABLE_BEARTYPE", "false").lower() in ("true", "1", "yes")


def check_key(key: Any) -> str:
    """Return a key as a plain `str`; refuse one that is no string.

    An instance of a subclass of `str`, such as a member of an enumeration, may format, join and compare in
    ways of its own: below the door of a store or wrapper every name is a plain string.
    """
    if type(key) is str:
        return key
    return _plain(key) if isinstance(key, str) else _refuse("key", key, str)


def check_collection(collection: Any) -> str | None:
    """Return a collection as a plain `str`, or None; refuse what is neither."""
    if collection is None or type(collection) is str:
        return collection
    return (
        _plain(collection) if isinstance(collection, str) else _refuse("collection", collection, str | None)
    )


def check_keys(keys: Any) -> Sequence[str]:
    """Return keys as plain strings; refuse what is no sequence of strings, and a string, a mistake."""
    if isinstance(keys, str) and not DISABLED:
        raise TypeError(f"keys must be a sequence of strings, not the string {_shown(keys)}")
    if not isinstance(keys, Sequence) or not are_strings(cast("Items", keys)):
        return _refuse("keys", keys, Sequence[str])
    names = cast("Sequence[str]", keys)
    return names if _STRING.issuperset(map(type, names)) else [check_key(name) for name in names]


def check_value(value: object) -> None:
    """Refuse a value that is not a mapping of strings."""
    # `Mapping` takes longer to ask than what nearly every value is.
    if not isinstance(value, (dict, Mapping)) or not are_strings(cast("Items", value)):
        _refuse("value", cast("object", value), Mapping[str, Any])


def check_values(keys: Sequence[str], values: object) -> None:
    """Refuse values that are not a sequence of mappings of strings, or not as many as there are keys.

    Raises:
        ValueError: There are more or fewer.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        _refuse("values", values, Sequence[Mapping[str, Any]])
        return
    items = cast("Items", values)
    if len(keys) != len(items):
        raise ValueError("put_many called but a different number of keys and values were provided")
    for item in items:
        check_value(item)


def are_strings(items: Items) -> bool:
    """Whether all that is iterated over is a string: the keys of a mapping, the items of a sequence."""
    return _STRING.issuperset(map(type, items)) or all(isinstance(item, str) for item in items)


def warns_on_wrong_types(function: Callable[P, T]) -> Callable[P, T]:
    """Make a constructor warn of arguments that are not of their annotated types.

    Only annotations that `isinstance` understands are looked at; a whole number is taken for a float.
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
    """Refuse a limit that is negative or no whole number.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is negative.
    """
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int):  # pyright: ignore[reportUnnecessaryIsInstance] -- callers may not be typed
        raise TypeError(f"limit must be a whole number or None, not {limit!r}")
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, not {limit}")


def check_version(version: object) -> None:
    """Refuse a version that is not a string.

    Raises:
        TypeError: It is not a string.
    """
    if not isinstance(version, str):
        raise TypeError(f"version must be a str, not {type(version).__name__}")


def check_timeout(timeout: float | None) -> float | None:
    """Return a timeout in seconds, or None; refuse one that is not positive and finite.

    Raises:
        ValueError: It is not.
    """
    if timeout is not None and not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be a positive, finite number of seconds or None, not {timeout!r}")
    return timeout


def _plain(name: str) -> str:
    # `str(name)` would call the subclass's own method: "Color.RED" for a member of an enumeration.
    return str.__str__(name)


def _refuse(name: str, value: Any, hint: object) -> Any:
    """Raise a TypeError for a value, unless such checks are disabled: then return it."""
    if not DISABLED:
        raise TypeError(f"{name}: {_explain(value, hint) or _shown(value)}")
    return value


def _shown(value: object) -> str:
    return f"{value!r:.100}"


def _explain(value: object, hint: Any) -> str:
    """What beartype says about a value that is not of a type; empty where it finds no fault."""
    from beartype import BeartypeConf, BeartypeStrategy  # noqa: PLC0415  -- loaded only to explain a mistake
    from beartype.door import die_if_unbearable  # noqa: PLC0415  -- as above

    try:
        conf = BeartypeConf(
            violation_type=TypeError, strategy=BeartypeStrategy.On, is_color=False, is_pep484_tower=True
        )
        die_if_unbearable(value, hint, conf=conf)
    except TypeError as error:
        return str(error).removeprefix("Die_if_unbearable() ")
    return ""


def _checkable(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of those arguments that `isinstance` can judge."""
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
    explanation = _explain(argument, function.__annotations__[name])
    if explanation:
        warnings.warn(f"{function.__qualname__}() argument {name}: {explanation}", UserWarning, stacklevel=3)
