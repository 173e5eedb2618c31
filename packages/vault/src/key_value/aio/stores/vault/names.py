"""Names of the secrets of a store in Vault, in the form `collection::key`, one level below the mount."""

import re
import unicodedata
from functools import cache

from typing_extensions import override

from key_value.aio.stores.base import EscapingStrategy, Names

LONGEST_KEY = 2000
LONGEST_COLLECTION = 1000
"""In UTF-8 bytes, each of which may become three in a URL; proxies allow 8 KiB for a URL."""

_AMBIGUOUS = ":{2,}|:$"

_PRINTABLE = "LMNPS"
_SOFT_HYPHEN = "\xad"


@cache
def refused() -> str:
    """Return a regular expression for characters that Vault rejects or interprets in a path.

    These are the characters that Unicode 3.2 does not count as printable, and `/`.
    """
    category = unicodedata.ucd_3_2_0.category
    accepted = " ".join(
        chr(code)
        for code in range(0x21, 0x10000)
        if category(chr(code))[0] in _PRINTABLE and chr(code) not in f"/{_SOFT_HYPHEN}"
    )
    return f"[^ {re.escape(accepted)}]"


class VaultNames(Names):
    """Names below a mount; those of the 0.5 series could have several levels."""

    def __init__(self) -> None:
        super().__init__(
            keys=EscapingStrategy(refused(), max_bytes=LONGEST_KEY),
            collections=EscapingStrategy(f"{_AMBIGUOUS}|{refused()}", max_bytes=LONGEST_COLLECTION),
            formerly=Names.PLAIN,
        )
        self._unclean = re.compile(f"(?:{refused()})(?<!/)")

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        """Return the path that the 0.5 series used, or None; also None if the path leads elsewhere."""
        former = super().former(address, collection, key)
        if former is None or self._unclean.search(former):
            return None
        return None if {"", ".", ".."} & {*former.split("/")} else former
