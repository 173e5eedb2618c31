"""Add the methods of abilities to an object through a cached subclass of its class."""

from collections.abc import Iterable
from functools import lru_cache
from types import new_class

from key_value.aio.protocols.abilities import ABILITY_OF

_EXTENDED = "__extended_class__"


def extend(instance: object, mixins: Iterable[type]) -> None:
    """Add the methods of some mixins to an object, replacing those added before.

    The class of the object becomes a subclass of its former class, under the same name, with the mixins after
    it. So `isinstance` is right for protocols on every Python, including versions where attributes of the
    instance do not count; a copy of the object is independent; and no method refers to the object.

    Args:
        instance: Object with a `__dict__`.
        mixins: Classes without attributes of their own. Where the object's class has the same method, that
            one takes precedence.
    """
    instance.__class__ = _extended(plain_class(type(instance)), tuple(mixins))


def plain_class(cls: type) -> type:
    """Return the class that was extended, or the class itself if it is not an extended one."""
    return vars(cls).get(_EXTENDED, cls)


def missing_ability(owner: object, name: str, stores: Iterable[object]) -> AttributeError:
    """Create the error for a missing attribute, to be raised by an object's `__getattr__`.

    Args:
        owner: The object.
        name: Name of the attribute; if it is the method of an ability, the error names the store that lacks
            it.
        stores: Stores that the object works on.
    """
    cls = type(owner).__name__
    ability = ABILITY_OF.get(name)
    if ability is None:
        return AttributeError(f"{cls!r} object has no attribute {name!r}", name=name, obj=owner)
    lacking = next((store for store in stores if not isinstance(store, ability.protocol)), None)
    if lacking is None:
        return AttributeError(f"{cls} does not offer {name}(), whatever its store can do")
    while (inner := next(iter(getattr(lacking, "wrapped", ())), None)) is not None:
        if isinstance(inner, ability.protocol):
            break
        lacking = inner
    store, protocol = type(lacking).__name__, ability.protocol.__name__
    return AttributeError(f"{cls} has no {name}(): {store} does not implement {protocol}")


@lru_cache(maxsize=512)
def _extended(cls: type, mixins: tuple[type, ...]) -> type:
    if not mixins:
        return cls
    names = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    names[_EXTENDED] = cls
    return new_class(cls.__name__, (cls, *mixins), exec_body=lambda body: body.update(names))
