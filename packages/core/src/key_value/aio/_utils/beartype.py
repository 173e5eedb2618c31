"""The 0.5 series' decorators for runtime type checks; the library itself uses `arguments`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from key_value.aio._utils.arguments import DISABLED

if TYPE_CHECKING:
    from beartype import BeartypeConf

P = ParamSpec("P")
T = TypeVar("T")


def no_bear_type_check(function: Callable[P, T]) -> Callable[P, T]:
    """Leave a function unchecked: the 0.5 series' marker for functions whose annotations are not enforced."""
    return function


bear_spray = no_bear_type_check
no_bear_type = no_bear_type_check


def enforce_bear_type(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise TypeError for arguments that beartype finds to have the wrong type."""
    if DISABLED:
        return function
    from beartype import beartype  # noqa: PLC0415  -- imported only if it is used

    return beartype(conf=_conf("enforce_bear_type_conf"))(function)


bear_enforce = enforce_bear_type


def _conf(name: str) -> "BeartypeConf":
    from beartype import BeartypeConf, BeartypeStrategy  # noqa: PLC0415  -- as above

    if name == "no_bear_type_check_conf":
        return BeartypeConf(strategy=BeartypeStrategy.O0)
    return BeartypeConf(strategy=BeartypeStrategy.O1, violation_type=TypeError)


def __getattr__(name: str) -> "BeartypeConf":
    if name in ("no_bear_type_check_conf", "enforce_bear_type_conf"):
        return _conf(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
