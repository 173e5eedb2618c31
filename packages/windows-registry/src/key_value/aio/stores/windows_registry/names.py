"""Names in the registry; names that it does not support or distinguish are escaped."""

import string

from typing_extensions import override

from key_value.aio.stores.base import (
    EscapingStrategy,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
)

# The limits are in characters, and a name never has more characters than UTF-8 bytes:
# https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits
_LONGEST_KEY = 255
_LONGEST_VALUE_NAME = 16_383

# A backslash separates subkeys, and winreg rejects NUL.
_UNSAFE_IN_KEYS = "[\\\\\0]"
_UNSAFE_IN_VALUE_NAMES = "\0"


class WindowsRegistryV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces everything but ASCII letters and digits, as the 0.5 series did on request.

    Different collections may get the same name. Use it only for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=96, allowed_characters=string.ascii_letters + string.digits)


class RegistryNames(Names):
    """Addresses in the registry: the name of the collection's key, a backslash, and the name of the value."""

    def __init__(
        self, *, keys: SanitizationStrategy | None, collections: SanitizationStrategy | None
    ) -> None:
        """Initialize with strategies.

        Args:
            keys: Strategy that maps keys to names of values; None escapes characters that the registry does
                not support or distinguish.
            collections: The same for collections.
        """
        super().__init__(
            separator="\\",
            keys=keys or _in_value_names(ignores_case=True),
            collections=collections or _in_keys(ignores_case=True),
            ignores_case=True,
            # The 0.5 series ignored the case of names, as the registry does.
            formerly=Names(
                separator="\\",
                keys=keys or _in_value_names(ignores_case=False),
                collections=collections or _in_keys(ignores_case=False),
            ),
        )

    @override
    def is_of(self, address: str, collection: str, key: str) -> bool:
        ours = self.address(collection, key)
        former = self.former(ours, collection, key)
        return address.upper() in (ours.upper(), former and former.upper())


def _in_value_names(*, ignores_case: bool) -> EscapingStrategy:
    return EscapingStrategy(_UNSAFE_IN_VALUE_NAMES, max_bytes=_LONGEST_VALUE_NAME, ignores_case=ignores_case)


def _in_keys(*, ignores_case: bool) -> EscapingStrategy:
    return EscapingStrategy(_UNSAFE_IN_KEYS, max_bytes=_LONGEST_KEY, ignores_case=ignores_case)
