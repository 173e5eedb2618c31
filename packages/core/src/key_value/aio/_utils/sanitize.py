"""Sanitizing of a single string, as offered by the 0.5 series."""

import re
import string
from enum import Enum

from key_value.aio._utils.sanitization import sha256_hex

MINIMUM_MAX_LENGTH = 16
DEFAULT_HASH_FRAGMENT_SIZE = 8
DEFAULT_HASH_FRAGMENT_SEPARATOR = "-"
DEFAULT_REPLACEMENT_CHARACTER = "_"

LOWERCASE_ALPHABET = string.ascii_lowercase
UPPERCASE_ALPHABET = string.ascii_uppercase
NUMBERS = string.digits
ALPHANUMERIC_CHARACTERS = LOWERCASE_ALPHABET + UPPERCASE_ALPHABET + NUMBERS


class HashFragmentMode(str, Enum):
    """When part of the hash is added to a sanitized string."""

    ALWAYS = "always"
    NEVER = "never"
    ONLY_IF_CHANGED = "only_if_changed"


def generate_hash_fragment(value: str, size: int = DEFAULT_HASH_FRAGMENT_SIZE) -> str:
    """Return the first hexadecimal digits of a string's SHA-256."""
    return sha256_hex(value)[:size]


def sanitize_characters_in_string(value: str, allowed_characters: str, replace_with: str) -> str:
    """Replace each run of characters that are not allowed; a string of only such characters becomes empty."""
    replaced = re.sub(f"[^{re.escape(allowed_characters)}]+", lambda _: replace_with, value)
    return "" if replaced == replace_with != value else replaced


def sanitize_string(
    value: str,
    max_length: int,
    allowed_characters: str | None = None,
    replacement_character: str = DEFAULT_REPLACEMENT_CHARACTER,
    hash_fragment_separator: str = DEFAULT_HASH_FRAGMENT_SEPARATOR,
    hash_fragment_mode: HashFragmentMode = HashFragmentMode.ONLY_IF_CHANGED,
    hash_fragment_length: int = DEFAULT_HASH_FRAGMENT_SIZE,
    length_is_bytes: bool = False,
) -> str:
    """Replace characters that are not allowed, cut the result if it is too long, and add part of the hash.

    Args:
        value: String to sanitize.
        max_length: Maximum length of the result, in characters or UTF-8 bytes; 16 or more.
        allowed_characters: Characters to keep; None keeps all.
        replacement_character: Replacement for each run of other characters.
        hash_fragment_separator: Separator before the hash.
        hash_fragment_mode: When part of the hash is added.
        hash_fragment_length: Number of hexadecimal digits of the hash to add, at most half of `max_length`.
        length_is_bytes: Whether lengths are in bytes.

    Raises:
        ValueError: A length is out of range, or nothing would be left.
    """
    _check_max_length(max_length)
    if hash_fragment_length > max_length // 2:
        raise ValueError(f"hash_fragment_length must be at most half of max_length: {hash_fragment_length}")
    sanitized = (
        sanitize_characters_in_string(value, allowed_characters, replacement_character)
        if allowed_characters
        else value
    )
    fits = _length(sanitized, length_is_bytes) <= max_length
    changed = sanitized != value or not fits
    if hash_fragment_mode is HashFragmentMode.ALWAYS or (
        changed and hash_fragment_mode is HashFragmentMode.ONLY_IF_CHANGED
    ):
        fragment = generate_hash_fragment(value, hash_fragment_length)
        if not sanitized:
            return fragment
        room = max_length - hash_fragment_length - _length(hash_fragment_separator, length_is_bytes)
        return _cut(sanitized, room, length_is_bytes) + hash_fragment_separator + fragment
    if not sanitized:
        raise ValueError(f"Nothing is left of {value!r} after sanitization, and no hash fragment is added")
    return _cut(sanitized, max_length, length_is_bytes)


def hash_excess_length(value: str, max_length: int, length_is_bytes: bool = False) -> str:
    """Cut a string that is too long, and put 8 hexadecimal digits of its hash in the last places.

    Raises:
        ValueError: `max_length` is less than 16.
    """
    _check_max_length(max_length)
    if _length(value, length_is_bytes) <= max_length:
        return value
    fragment = generate_hash_fragment(value)
    return _cut(value, max_length - len(fragment), length_is_bytes) + fragment


def _check_max_length(max_length: int) -> None:
    if max_length < MINIMUM_MAX_LENGTH:
        raise ValueError(f"max_length must be at least {MINIMUM_MAX_LENGTH}: {max_length}")


def _length(value: str, in_bytes: bool) -> int:
    return len(value.encode()) if in_bytes else len(value)


def _cut(value: str, length: int, in_bytes: bool) -> str:
    return value.encode()[:length].decode(errors="ignore") if in_bytes else value[:length]
