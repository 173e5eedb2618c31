"""Names of the entries in a keyring: `collection::key`, with what a keyring cannot hold escaped."""

import string

from key_value.aio._utils.escaping import EscapingStrategy, differs_in_case
from key_value.aio._utils.sanitization import HybridSanitizationStrategy
from key_value.aio.stores.base.address import AMBIGUOUS

LONGEST_NAME = 513
"""Characters on Windows: https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw"""

_ALPHANUMERIC = string.ascii_letters + string.digits

# The bus of the Secret Service hangs up on a NUL, and C ends a text there.
_NUL = "\0"


class _KeyringV1Strategy(HybridSanitizationStrategy):
    def __init__(self) -> None:
        super().__init__(max_length=256, allowed_characters=_ALPHANUMERIC)


class KeyringV1KeySanitizationStrategy(_KeyringV1Strategy):
    """Replaces what is neither a letter nor a digit of ASCII, as the 0.5 series did where it was asked to.

    Two keys can become one. It is for entries that were written with it.
    """


class KeyringV1CollectionSanitizationStrategy(_KeyringV1Strategy):
    """The same for collections."""


class Naming:
    """Where entries are by default on one platform: at `collection::key`."""

    def __init__(self, *, windows: bool) -> None:
        """Choose a platform.

        Args:
            windows: Whether capitals and what is long are escaped too, since Windows looks credentials up
                without regard to case and limits their names.
        """
        case = f"|{differs_in_case()}" if windows else ""
        self.collections = EscapingStrategy(f"{AMBIGUOUS}|{_NUL}{case}", max_bytes=200 if windows else None)
        self.keys = EscapingStrategy(_NUL + case, max_bytes=300 if windows else None)


PLAIN = Naming(windows=False)
"""As the 0.5 series named them, but for what was ambiguous."""
