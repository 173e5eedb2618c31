"""Strategies that map any name to one that a backend can hold.

The hashing strategies are exactly those of the 0.5 series, for data that was written with them. They can map
two names to the same one. The stores' default strategy is in `key_value.aio._utils.escaping`, and cannot.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from enum import Enum

from typing_extensions import override

from key_value.aio.errors import InvalidKeyError

MINIMUM_HASH_LENGTH = 8
MAXIMUM_HASH_LENGTH = 64

RESERVED_PREFIXES = ("H_", "S_")


class HashFragmentMode(Enum):
    """When part of the hash is added to a sanitized name."""

    ALWAYS = "always"
    NEVER = "never"
    ONLY_IF_CHANGED = "only_if_changed"


class SanitizationStrategy(ABC):
    """A strategy that maps names to names that a backend can hold."""

    @abstractmethod
    def sanitize(self, value: str) -> str:
        """Return the name to use in the backend."""

    @abstractmethod
    def validate(self, value: str) -> None:
        """Reject names that could be taken for sanitized ones.

        Raises:
            InvalidKeyError: The name could be taken for a sanitized one.
        """

    def try_unsanitize(self, value: str) -> str | None:  # noqa: ARG002  -- used by overrides
        """Return the name that was sanitized, or None if it cannot be recovered."""
        return None


def sha256_hex(value: str) -> str:
    """Return the SHA-256 of a name in UTF-8, as hexadecimal digits."""
    return hashlib.sha256(value.encode()).hexdigest()


class PassthroughStrategy(SanitizationStrategy):
    """A strategy that leaves every name unchanged."""

    @override
    def sanitize(self, value: str) -> str:
        return value

    @override
    def validate(self, value: str) -> None:
        return None

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return value


class AlwaysHashStrategy(SanitizationStrategy):
    """A strategy that replaces every name by its SHA-256."""

    def __init__(self, hash_length: int = MAXIMUM_HASH_LENGTH) -> None:
        """Initialize with the length of the result.

        Args:
            hash_length: Number of hexadecimal digits to keep, from 9 to 64.

        Raises:
            ValueError: The length is not in that range.
        """
        if not MINIMUM_HASH_LENGTH < hash_length <= MAXIMUM_HASH_LENGTH:
            raise ValueError(f"hash_length must be greater than 8 and less than 64: {hash_length}")
        self.hash_length = hash_length

    @override
    def sanitize(self, value: str) -> str:
        return sha256_hex(value)[: self.hash_length]

    @override
    def validate(self, value: str) -> None:
        return None


class _ReservedPrefixStrategy(SanitizationStrategy):
    @override
    def validate(self, value: str) -> None:
        if value.startswith(RESERVED_PREFIXES):
            raise InvalidKeyError(message=f"Keys cannot start with reserved prefixes 'H_' or 'S_': {value}")


class HashExcessLengthStrategy(_ReservedPrefixStrategy):
    """A strategy that replaces names of more characters than a limit by `H_` and their SHA-256."""

    def __init__(self, max_length: int = 240) -> None:
        """Initialize with a limit.

        Args:
            max_length: Maximum number of characters of a name.
        """
        self.max_length = max_length

    @override
    def sanitize(self, value: str) -> str:
        if len(value) <= self.max_length:
            return value
        return "H_" + sha256_hex(value)[: self.max_length - 2]


class HybridSanitizationStrategy(_ReservedPrefixStrategy):
    """A strategy that replaces disallowed characters; changed names get `S_` and part of the hash."""

    def __init__(
        self,
        max_length: int = 240,
        allowed_characters: str | None = None,
        replacement_character: str = "_",
        hash_fragment_mode: HashFragmentMode = HashFragmentMode.ONLY_IF_CHANGED,
        hash_fragment_length: int = MINIMUM_HASH_LENGTH,
    ) -> None:
        """Initialize with the rules for the result.

        Args:
            max_length: Maximum number of characters of the result.
            allowed_characters: Characters to keep; None keeps all.
            replacement_character: Replacement for each run of other characters.
            hash_fragment_mode: When part of the hash is added.
            hash_fragment_length: Number of hexadecimal digits of the hash to add.
        """
        self.max_length = max_length
        self.allowed_characters = allowed_characters
        self.replacement_character = replacement_character
        self.hash_fragment_mode = hash_fragment_mode
        self.hash_fragment_length = hash_fragment_length
        self._others = re.compile(f"[^{re.escape(allowed_characters)}]+") if allowed_characters else None

    @override
    def sanitize(self, value: str) -> str:
        sanitized = self._replace_others(value)
        changed = sanitized != value
        if self._adds_hash(changed=changed):
            room = self.max_length - len("S_") - len("-") - self.hash_fragment_length
            return f"S_{sanitized[:room]}-{sha256_hex(value)[: self.hash_fragment_length]}"
        if len(sanitized) > self.max_length:
            sanitized, changed = sanitized[: self.max_length], True
        return ("S_" + sanitized)[: self.max_length] if changed else sanitized

    def _replace_others(self, value: str) -> str:
        if self._others is None:
            return value
        replaced = self._others.sub(lambda _: self.replacement_character, value)
        return "" if replaced == self.replacement_character != value else replaced

    def _adds_hash(self, *, changed: bool) -> bool:
        if self.hash_fragment_mode is HashFragmentMode.ALWAYS:
            return True
        return changed and self.hash_fragment_mode is HashFragmentMode.ONLY_IF_CHANGED
