"""Memcached keys."""

import hashlib
import re

from typing_extensions import override

from key_value.aio.stores.base import EscapingStrategy, HashExcessLengthStrategy, Names, SanitizationStrategy

LONGEST = 250
"""Maximum length of a key in bytes: https://docs.memcached.org/protocols/basic/"""

UNSAFE = r"[\s\x00-\x1f\x7f-\x9f]"
"""Characters not allowed in a key: the 0.5 series used aiomcache, which applies `\\s` to Unicode."""

_UNSAFE = re.compile(UNSAFE)


class MemcachedNames(Names):
    """Maps an entry to `<collection>::<key>`, or to its SHA-256 if that is too long."""

    def __init__(self, strategy: SanitizationStrategy | None = None) -> None:
        """Initialize with an optional strategy.

        Args:
            strategy: Strategy that maps `<collection>::<key>` to a memcached key; None uses the default form.
        """
        super().__init__(
            keys=EscapingStrategy(UNSAFE),
            collections=EscapingStrategy(f"{UNSAFE}|:{{2,}}|:$"),
            formerly=Names.PLAIN if strategy is None else None,
        )
        self._strategy = strategy

    @override
    def address(self, collection: str, key: str) -> str:
        if self._strategy is None:
            address = super().address(collection, key)
        else:
            compound = f"{collection}{self.separator}{key}"
            self._strategy.validate(compound)
            address = self.keys.sanitize(self._strategy.sanitize(compound))
        if len(address.encode()) <= LONGEST:
            return address
        # All other addresses contain a separator.
        return f"%-{hashlib.sha256(address.encode()).hexdigest()}"

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        former = super().former(address, collection, key)
        if former is None or len(former.encode()) > LONGEST or _UNSAFE.search(former):
            return None
        return former


class MemcachedV1KeySanitizationStrategy(HashExcessLengthStrategy):
    """Keeps 240 bytes of `<collection>::<key>`; a longer one is marked with `H_` and a part of its hash."""

    def __init__(self) -> None:
        """Initialize with the maximum length of the 0.5 series."""
        super().__init__(max_length=240)
