"""The keys that memcached can hold."""

import hashlib
import re

from typing_extensions import override

from key_value.aio.stores.base import EscapingStrategy, HashExcessLengthStrategy, Names, SanitizationStrategy

LONGEST = 250
"""Bytes of a key: https://docs.memcached.org/protocols/basic/"""

UNSAFE = r"[\s\x00-\x1f\x7f-\x9f]"
"""What no key has: 0.5 wrote through aiomcache, which takes `\\s` as Unicode does."""

_UNSAFE = re.compile(UNSAFE)


class MemcachedNames(Names):
    """An entry is at `<collection>::<key>`, and where that is too long at its SHA-256."""

    def __init__(self, strategy: SanitizationStrategy | None = None) -> None:
        """State what becomes of names.

        Args:
            strategy: What becomes of `<collection>::<key>`, in place of that.
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
        # All other addresses have a separator in them.
        return f"%-{hashlib.sha256(address.encode()).hexdigest()}"

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        former = super().former(address, collection, key)
        if former is None or len(former.encode()) > LONGEST or _UNSAFE.search(former):
            return None
        return former


class MemcachedV1KeySanitizationStrategy(HashExcessLengthStrategy):
    """Keeps 240 bytes of `<collection>::<key>`, and marks a longer one with `H_` and a part of its hash."""

    def __init__(self) -> None:
        """Set the length of the 0.5 series."""
        super().__init__(max_length=240)
