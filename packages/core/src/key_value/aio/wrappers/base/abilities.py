"""Which abilities of a wrapped store its wrapper has as well."""

from collections.abc import Callable, Iterator, Mapping

from key_value.aio.protocols.key_value import (
    AsyncCullProtocol,
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncEnumerateCollectionsProtocol,
    AsyncEnumerateKeysProtocol,
    AsyncPutIfAbsentProtocol,
)

METHODS: Mapping[type, str] = {
    AsyncCullProtocol: "cull",
    AsyncDestroyCollectionProtocol: "destroy_collection",
    AsyncDestroyStoreProtocol: "destroy",
    AsyncEnumerateCollectionsProtocol: "collections",
    AsyncEnumerateKeysProtocol: "keys",
    AsyncPutIfAbsentProtocol: "put_if_absent",
}
"""The method of each ability."""

_BYPASSED: Mapping[str, str] = {
    "collections": "delete",
    "destroy": "delete",
    "destroy_collection": "delete",
    "keys": "delete",
    "put_if_absent": "put",
}
"""The operation that each ability reaches around: who changes the one cannot answer for the other."""


def kept_abilities(wrapper: type, drops: frozenset[type], can: Callable[[type], bool]) -> Iterator[str]:
    """The methods that a wrapper takes over from what it wraps.

    It takes over those that it can offer and does not drop. A subclass that overrides an operation loses the
    abilities that would reach around what it does there, unless it also says how to do them.

    Args:
        wrapper: The wrapper's class, which implements a method `keys` under the name `_keys`.
        drops: The protocols it cannot keep.
        can: Whether what it wraps lets it offer a protocol.
    """
    for protocol, method in METHODS.items():
        if protocol in drops or hasattr(wrapper, method) or _reaches_around(wrapper, protocol, method):
            continue
        if can(protocol):
            yield method


def _reaches_around(wrapper: type, protocol: type, method: str) -> bool:
    operation = _BYPASSED.get(method)
    if operation is None:
        return False
    changed, implemented = _definer(wrapper, operation), _definer(wrapper, f"_{method}")
    if protocol in vars(changed).get("keeps", ()):
        return False
    return changed is not implemented and issubclass(changed, implemented)


def _definer(cls: type, name: str) -> type:
    return next(base for base in cls.__mro__ if name in vars(base))
