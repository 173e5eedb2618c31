"""The keys of objects, including those of the 0.5 series."""

import hashlib
import re

from typing_extensions import override

from key_value.aio.stores.base import (
    Address,
    EscapingStrategy,
    Names,
    PassthroughStrategy,
    SanitizationStrategy,
)

RESERVED = "%/"
"""Prefix of objects that are not entries."""

LONGEST_KEY = 1024
"""Maximum key length in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

_LONGEST_PART = 255
"""Maximum number of bytes between two slashes, on servers that store objects as files."""

LONGEST_PREFIX = LONGEST_KEY - 2 * _LONGEST_PART - 1
"""Maximum number of bytes before the collection and key."""

_EMPTY = "%"
"""Represents the empty key, which would make the object a folder on such servers."""

# Servers that store files treat `a\b` and `a//b` as `a/b`. The XML of listings lacks some characters.
_UNSAFE_KEY = r"[/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]|^\.{1,2}\Z|^%\Z"
# SeaweedFS does not list objects in `.uploads`, or in a folder whose name ends in `.versions`.
_UNSAFE_COLLECTION = rf"{_UNSAFE_KEY}|^\.|\.(?=versions\Z)"

_UNREADABLE = re.compile(r"\x00|(?:^|/)\.{1,2}(?:/|\Z)")
"""Matches keys of the 0.5 series that no server reads unchanged."""

_LITERAL = re.compile(r"[^/\\%.\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{0,40}")
"""Matches the part of a prefix that is neither escaped nor truncated: 40 characters are at most 160 bytes."""


class ObjectNames(Names):
    """Maps an entry to `<collection>/<key>`, with escapes for characters that some servers would change.

    A custom strategy is applied before escaping. With one, two entries may share an object.
    """

    def __init__(
        self, *, keys: SanitizationStrategy | None = None, collections: SanitizationStrategy | None = None
    ) -> None:
        """Initialize with strategies.

        Args:
            keys: Strategy applied to keys before unsupported characters are escaped; None keeps them.
            collections: The same for collections.
        """
        self._may_meet = keys is not None or collections is not None
        plain_keys, plain_collections = keys or PassthroughStrategy(), collections or PassthroughStrategy()
        self._plain = Names(keys=plain_keys, collections=plain_collections, separator="/")
        super().__init__(
            keys=_Escaped(_UNSAFE_KEY, plain_keys),
            collections=_Escaped(_UNSAFE_COLLECTION, plain_collections),
            separator="/",
            formerly=self._plain,
        )

    @override
    def former(self, address: str, collection: str, key: str) -> str | None:
        former = super().former(address, collection, key)
        if former is None or len(former.encode()) > LONGEST_KEY or _UNREADABLE.search(former):
            return None
        return former

    @override
    def may_collide(self, key: str) -> bool:
        return self._may_meet or self.key(key) != key

    @override
    def literal(self, prefix: str) -> str:
        found = None if self._may_meet else _LITERAL.match(prefix)
        return found[0] if found else ""

    def was_at(self, address: str, collection: str, key: str) -> bool:
        """Return whether the 0.5 series stored an entry at an address."""
        return address == self._plain.address(collection, key)

    def former_entry(self, address: str) -> Address | None:
        """Return the entry that the 0.5 series stored at an address; None if its names cannot be decoded.

        The collection is the part before the first slash, since its actual end is unknown.
        """
        collection, separator, key = address.partition("/")
        found = Address(
            _original(self._plain.collections, collection) or "", _original(self._plain.keys, key) or ""
        )
        return found if separator and all(found) and self.was_at(address, *found) else None


class _Escaped(EscapingStrategy):
    """Escapes the result of a strategy."""

    def __init__(self, unsafe: str, strategy: SanitizationStrategy) -> None:
        super().__init__(unsafe, max_bytes=_LONGEST_PART)
        self._strategy = strategy

    @override
    def validate(self, value: str) -> None:
        self._strategy.validate(value)

    @override
    def sanitize(self, value: str) -> str:
        return super().sanitize(self._strategy.sanitize(value)) or _EMPTY


class _HashExcessBytes(SanitizationStrategy):
    """Truncates a name that is too long and appends a part of its hash, as the 0.5 series did on request.

    Different names may get the same result. Use it only for entries that were written with it.
    """

    def __init__(self, max_bytes: int = 500) -> None:
        """Initialize with a limit in bytes.

        Args:
            max_bytes: Maximum length of a name in UTF-8 bytes; at least 16.

        Raises:
            ValueError: `max_bytes` is less than 16.
        """
        if max_bytes < 16:
            raise ValueError(f"max_bytes must be at least 16: {max_bytes}")
        self._max_bytes = max_bytes

    @override
    def sanitize(self, value: str) -> str:
        encoded = value.encode(errors="surrogatepass")
        if len(encoded) <= self._max_bytes:
            return value
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        return encoded[: self._max_bytes - len(digest)].decode(errors="ignore") + digest

    @override
    def validate(self, value: str) -> None:
        return None


class S3KeySanitizationStrategy(_HashExcessBytes):
    """Truncates keys of more than 500 bytes and appends a part of their hash."""


class S3CollectionSanitizationStrategy(_HashExcessBytes):
    """Truncates collections of more than 500 bytes and appends a part of their hash."""


def _original(strategy: SanitizationStrategy, name: str) -> str | None:
    original = strategy.try_unsanitize(name)
    return name if original is None and strategy.sanitize(name) == name else original
