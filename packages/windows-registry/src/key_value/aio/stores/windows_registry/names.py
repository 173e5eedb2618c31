"""Names in the registry: one that it can hold and tell from others stays as it is, the rest is escaped."""

import string
from typing import NamedTuple

from key_value.aio._utils.escaping import EscapingStrategy, differs_in_case
from key_value.aio._utils.sanitization import HybridSanitizationStrategy

# The limits are those of characters, of which a name has no more than bytes of UTF-8:
# https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits
_LONGEST_KEY = 255
_LONGEST_VALUE_NAME = 16_383

# A backslash leads to a subkey, and winreg takes no NUL.
_UNSAFE_IN_KEYS = "[\\\\\0]"
_UNSAFE_IN_VALUE_NAMES = "\0"


class Place(NamedTuple):
    """A value in the registry."""

    subkey: str
    """The name of the collection's key, below that of the store."""
    name: str
    """The name of the value."""


class WindowsRegistryV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces what is neither a letter nor a digit of ASCII, as the 0.5 series did where it was asked to.

    Two collections can become one. It is for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=96, allowed_characters=string.ascii_letters + string.digits)


COLLECTIONS = EscapingStrategy(f"{_UNSAFE_IN_KEYS}|{differs_in_case()}", max_bytes=_LONGEST_KEY)
KEYS = EscapingStrategy(f"{_UNSAFE_IN_VALUE_NAMES}|{differs_in_case()}", max_bytes=_LONGEST_VALUE_NAME)

# As the 0.5 series named them, which paid no regard to case.
FORMER_COLLECTIONS = EscapingStrategy(_UNSAFE_IN_KEYS, max_bytes=_LONGEST_KEY)
FORMER_KEYS = EscapingStrategy(_UNSAFE_IN_VALUE_NAMES, max_bytes=_LONGEST_VALUE_NAME)
