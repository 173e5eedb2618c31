"""Test selection: a test is collected only for the stores that it applies to, instead of being skipped."""

from collections.abc import Callable
from typing import Any, TypeVar

from key_value.aio.protocols import ABILITIES as TABLE

Fact = Callable[[Any], bool]
"""A function that determines from a store's test class whether a test applies."""

TestT = TypeVar("TestT", bound=Callable[..., Any])

ABILITIES: frozenset[type] = frozenset(ability.protocol for ability in TABLE)
"""The protocols of all abilities."""

_FACTS = "_key_value_facts"
_LEFT_OUT = object()


def when(*facts: Fact) -> Callable[[TestT], TestT]:
    """Collect a test only for stores for which all facts are true."""

    def mark(test: TestT) -> TestT:
        setattr(test, _FACTS, (*_facts(test), *facts))
        return test

    return mark


def needs(*protocols: type) -> Callable[[TestT], TestT]:
    """Collect a test only for stores that declare these abilities."""
    return when(lambda tests: tests.abilities.issuperset(protocols))


def states(**attributes: object) -> Fact:
    """Return a fact that is true if the class attributes have these values."""
    return lambda tests: all(getattr(tests, name) == value for name, value in attributes.items())


def check_abilities(tests: type) -> None:
    """Check the abilities that a test class declares.

    Raises:
        TypeError: The abilities are not a frozenset of ability protocols.
    """
    stated: object = vars(tests).get("abilities", frozenset[type]())
    if not isinstance(stated, frozenset):
        raise TypeError(
            f"{tests.__name__}.abilities must be a frozenset of ability protocols, such as "
            f"frozenset({{AsyncEnumerateKeysProtocol}}), not {stated!r}"
        )
    unknown = sorted(repr(each) for each in stated - ABILITIES)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- may hold anything
    if unknown:
        known = ", ".join(sorted(protocol.__name__ for protocol in ABILITIES))
        raise TypeError(
            f"{tests.__name__}.abilities has {', '.join(unknown)}, but the ability protocols are {known}"
        )


def leave_out(tests: type) -> None:
    """Remove the tests with a fact that is false for this class."""
    for name in [name for name in dir(tests) if name.startswith("test")]:
        defined = [vars(base)[name] for base in tests.__mro__ if name in vars(base)]
        test = next((each for each in defined if each is not _LEFT_OUT), None)
        applies = all(fact(tests) for fact in _facts(test))
        if not applies:
            setattr(tests, name, _LEFT_OUT)
        elif defined[0] is _LEFT_OUT:
            setattr(tests, name, test)


def _facts(test: object) -> tuple[Fact, ...]:
    return getattr(test, _FACTS, ())
