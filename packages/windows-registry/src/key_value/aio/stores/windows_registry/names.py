"""Names in the registry: one that it can hold and keep apart stays as it is, any other one is escaped."""

import string

from typing_extensions import override

from key_value.aio.stores.base import (
    EscapingStrategy,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
)

# The limits are those of characters, of which a name has no more than bytes of UTF-8:
# https://learn.microsoft.com/windows/win32/sysinfo/registry-element-size-limits
_LONGEST_KEY = 255
_LONGEST_VALUE_NAME = 16_383

# A backslash leads to a subkey, and winreg takes no NUL.
_UNSAFE_IN_KEYS = "[\\\\\0]"
_UNSAFE_IN_VALUE_NAMES = "\0"


class WindowsRegistryV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces what is neither a letter nor a digit of ASCII, as the 0.5 series did on request.

    Two collections can become one. It is for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=96, allowed_characters=string.ascii_letters + string.digits)


class RegistryNames(Names):
    """Addresses in the registry: the name of the collection's key, a backslash, the name of the value."""

    def __init__(
        self, *, keys: SanitizationStrategy | None, collections: SanitizationStrategy | None
    ) -> None:
        """Choose the form of names.

        Args:
            keys: What becomes of keys, in place of escaping what the registry cannot hold or keep apart.
            collections: What becomes of collections.
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
