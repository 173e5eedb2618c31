"""Names of the entries in a keyring."""

import string

from typing_extensions import override

from key_value.aio.stores.base import (
    EscapingStrategy,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
)

LONGEST_NAME = 513
"""Characters on Windows: https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw"""

_AMBIGUOUS = ":{2,}|:$"

_ALPHANUMERIC = string.ascii_letters + string.digits

# The Secret Service's bus disconnects on a NUL, and C strings end there.
_NUL = "\0"


class _KeyringV1Strategy(HybridSanitizationStrategy):
    def __init__(self) -> None:
        super().__init__(max_length=256, allowed_characters=_ALPHANUMERIC)


class KeyringV1KeySanitizationStrategy(_KeyringV1Strategy):
    """Replaces everything but ASCII letters and digits, as the 0.5 series did on request.

    Different keys may get the same name. Use it only for entries that were written with it.
    """


class KeyringV1CollectionSanitizationStrategy(_KeyringV1Strategy):
    """The same for collections."""


class KeyringNames(Names):
    """Names in the keyring of one platform, in the form `collection::key`."""

    def __init__(
        self,
        *,
        windows: bool,
        keys: SanitizationStrategy | None = None,
        collections: SanitizationStrategy | None = None,
    ) -> None:
        """Initialize for a platform.

        Args:
            windows: Whether to escape capitals and long names, too, since Windows ignores the case of
                credential names and limits their length.
            keys: Strategy that maps keys to names the keyring accepts; None escapes unsupported characters.
            collections: The same for collections.
        """
        plain_keys, plain_collections = EscapingStrategy(_NUL), EscapingStrategy(f"{_AMBIGUOUS}|{_NUL}")
        limited_keys = EscapingStrategy(_NUL, max_bytes=300, ignores_case=True)
        limited = EscapingStrategy(f"{_AMBIGUOUS}|{_NUL}", max_bytes=200, ignores_case=True)
        super().__init__(
            keys=keys or (limited_keys if windows else plain_keys),
            collections=collections or (limited if windows else plain_collections),
            ignores_case=windows,
            formerly=Names(keys=keys or plain_keys, collections=collections or plain_collections),
        )

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        former = super().former(address, collection, key)
        return former if former is not None and len(former) <= LONGEST_NAME else None
