"""Prefixes before names, as `<prefix>__<name>`, that no name of another prefix can have."""

from key_value.aio._utils.compound import DEFAULT_PREFIX_SEPARATOR
from key_value.aio._utils.escaping import EscapingStrategy


class Prefix:
    """Joins a prefix and names, and tells which names it was joined to.

    A prefix that contains `__` or ends in `_` is escaped, so that no name of one prefix is also one of
    another; every other stays as it is.
    """

    def __init__(self, prefix: str) -> None:
        """Choose a prefix.

        Args:
            prefix: What to put before names, with `__` between.
        """
        self._start = PREFIXES.sanitize(prefix) + DEFAULT_PREFIX_SEPARATOR

    def add(self, name: str) -> str:
        """The name with the prefix."""
        return self._start + name

    def remove(self, name: str) -> str | None:
        """The name without the prefix, or None where it does not have it."""
        return name[len(self._start) :] if name.startswith(self._start) else None


PREFIXES = EscapingStrategy("_{2,}|_$")
"""Escapes in a prefix what could be taken for the separator."""
