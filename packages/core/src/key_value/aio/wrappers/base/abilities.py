"""Methods of abilities on wrappers, built from the table, and the rule for which of them a wrapper keeps."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Protocol

from key_value.aio.protocols.abilities import ABILITIES, ABILITY_OF, Ability

Arguments = Mapping[str, Any]
"""All arguments of an ability's method, by name."""

EVERY_ABILITY = frozenset(ability.protocol for ability in ABILITIES)


class AbilityCaller(Protocol):
    """A class that can have the methods of abilities."""

    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any: ...


def call_ability(store: object, ability: Ability, arguments: Arguments) -> Awaitable[Any]:
    """Call a method of an ability on a store that has it."""
    positional = _POSITIONAL[ability.method]
    named = {name: argument for name, argument in arguments.items() if name not in positional}
    return getattr(store, ability.method)(*(arguments[name] for name in positional), **named)


def kept_abilities(
    wrapper: type, base: type, drops: frozenset[type], can_offer: Callable[[type], bool]
) -> Iterator[type]:
    """Yield the abilities that a wrapper keeps, as mixins with their methods.

    A wrapper keeps the protocols that it can offer and does not drop, each as a whole. A class that overrides
    an operation loses the abilities that would bypass the override, unless it also has their methods or lists
    their protocols in `keeps`.

    Args:
        wrapper: Class of the wrapper.
        base: Class whose operations change nothing.
        drops: Protocols that the wrapper drops.
        can_offer: Returns whether the wrapped stores allow the wrapper to offer a protocol.
    """
    bypassing = {ability.protocol for ability in ABILITIES if _bypasses_override(wrapper, base, ability)}
    for protocol, mixin in _MIXINS.items():
        if protocol not in drops and protocol not in bypassing and can_offer(protocol):
            yield mixin


def _bypasses_override(wrapper: type, base: type, ability: Ability) -> bool:
    method = _definer(wrapper, ability.method)
    for operation in ability.bypasses:
        override = _definer(wrapper, operation)
        if override in (None, base) or ability.protocol in vars(override).get("keeps", ()):
            continue
        if method is None or not issubclass(method, override):
            return True
    return False


def _definer(cls: type, name: str) -> type | None:
    return next((base for base in cls.__mro__ if name in vars(base)), None)


def _mixin(protocol: type) -> type:
    methods = {
        ability.method: _method(ability, getattr(protocol, ability.method))
        for ability in ABILITIES
        if ability.protocol is protocol
    }
    return type(protocol.__name__.replace("Protocol", "Mixin"), (), {"__slots__": (), **methods})


def _method(ability: Ability, template: Callable[..., Any]) -> Callable[..., Any]:
    """Create a method with a protocol's signature that passes its arguments to `_call_ability`."""
    signature = inspect.signature(template)
    _, *parameters = signature.parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    positional = _POSITIONAL[ability.method]
    count = len(parameters)

    async def method(self: AbilityCaller, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(positional, args, strict=False))
        arguments = {**defaults, **given, **kwargs}
        if isinstance(ttl := arguments.get("ttl"), timedelta):
            arguments["ttl"] = ttl.total_seconds()
        if len(arguments) != count or len(given) != len(args) or not given.keys().isdisjoint(kwargs):
            # This raises the TypeError that describes the mistake.
            signature.bind(self, *args, **kwargs)
        return await self._call_ability(ability, arguments)  # pyright: ignore[reportPrivateUsage] -- it is a method

    method.__name__ = ability.method
    method.__qualname__ = template.__qualname__
    method.__doc__ = template.__doc__
    vars(method)["__signature__"] = signature
    return method


def _positional(ability: Ability) -> list[str]:
    _, *parameters = inspect.signature(getattr(ability.protocol, ability.method)).parameters.values()
    return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]


_POSITIONAL: Mapping[str, list[str]] = {
    method: _positional(ability) for method, ability in ABILITY_OF.items()
}
_MIXINS: Mapping[type, type] = {ability.protocol: _mixin(ability.protocol) for ability in ABILITIES}
