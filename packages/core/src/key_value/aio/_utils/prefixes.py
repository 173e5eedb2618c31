"""Prefixes of names, as `<prefix>__<name>`, that no name with another prefix can start with."""

from key_value.aio._utils.compound import DEFAULT_PREFIX_SEPARATOR
from key_value.aio._utils.escaping import EscapingStrategy


class Prefix:
    """A prefix that is added to names and recognized in them.

    A prefix that contains `__` or ends in `_` is escaped, so that no name of one prefix is also one of
    another. Any other prefix is left unchanged.
    """

    def __init__(self, prefix: str) -> None:
        """Initialize with a prefix.

        Args:
            prefix: Prefix of names, followed by `__`.
        """
        self._start = PREFIXES.sanitize(prefix) + DEFAULT_PREFIX_SEPARATOR

    def add(self, name: str) -> str:
        """Return the name with the prefix."""
        return self._start + name

    def remove(self, name: str) -> str | None:
        """Return the name without the prefix, or None if it does not have the prefix."""
        return name[len(self._start) :] if name.startswith(self._start) else None


PREFIXES = EscapingStrategy("_{2,}|_$")
"""Escapes the parts of a prefix that could be taken for the separator."""
