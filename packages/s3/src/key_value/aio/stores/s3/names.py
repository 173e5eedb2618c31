"""The keys of objects, and those that the 0.5 series gave them."""

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
"""How the keys of objects begin that are no entries."""

LONGEST_KEY = 1024
"""Bytes of an object's key: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

_LONGEST_PART = 255
"""Bytes between two slashes, where a server keeps objects as files."""

LONGEST_PREFIX = LONGEST_KEY - 2 * _LONGEST_PART - 1
"""Bytes of what stands before collection and key."""

_EMPTY = "%"
"""Stands for the empty key: with it an object would be a folder on such servers."""

# Servers that keep files take `a\b` and `a//b` for `a/b`. The XML of lists lacks some characters.
_UNSAFE_KEY = r"[/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]|^\.{1,2}\Z|^%\Z"
# SeaweedFS lists neither what is in `.uploads` nor what is in a folder whose name ends in `.versions`.
_UNSAFE_COLLECTION = rf"{_UNSAFE_KEY}|^\.|\.(?=versions\Z)"

_UNREADABLE = re.compile(r"\x00|(?:^|/)\.{1,2}(?:/|\Z)")
"""Former keys that no server reads as they are."""

_LITERAL = re.compile(r"[^/\\%.\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{0,40}")
"""The part of a prefix that is neither escaped nor cut off: 40 characters are 160 bytes at most."""


class ObjectNames(Names):
    """The object of an entry is `<collection>/<key>`, with what some server would change escaped.

    A strategy of the caller's is applied before that. With one, two entries may have one object.
    """

    def __init__(
        self, *, keys: SanitizationStrategy | None = None, collections: SanitizationStrategy | None = None
    ) -> None:
        """State what becomes of names.

        Args:
            keys: What becomes of keys before what S3 cannot hold is escaped; None leaves them as they are.
            collections: What becomes of collections before that.
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
        """Return whether the 0.5 series kept an entry at an address."""
        return address == self._plain.address(collection, key)

    def former_entry(self, address: str) -> Address | None:
        """Return an entry that the 0.5 series kept at an address; None if its names cannot be read back.

        The collection is what precedes the first slash: nothing says where it ended.
        """
        collection, separator, key = address.partition("/")
        found = Address(
            _original(self._plain.collections, collection) or "", _original(self._plain.keys, key) or ""
        )
        return found if separator and all(found) and self.was_at(address, *found) else None


class _Escaped(EscapingStrategy):
    """Escapes what a strategy makes of a name."""

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
    """Cuts a name that is too long and puts a part of its hash at the end, as the 0.5 series did on request.

    Two names can become one. It is for entries that were written with it.
    """

    def __init__(self, max_bytes: int = 500) -> None:
        """State the limit.

        Args:
            max_bytes: Bytes of UTF-8 that a name may have, 16 at least.

        Raises:
            ValueError: `max_bytes` is under 16.
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
    """Cuts keys of more than 500 bytes, and ends them in a part of their hash."""


class S3CollectionSanitizationStrategy(_HashExcessBytes):
    """Cuts collections of more than 500 bytes, and ends them in a part of their hash."""


def _original(strategy: SanitizationStrategy, name: str) -> str | None:
    original = strategy.try_unsanitize(name)
    return name if original is None and strategy.sanitize(name) == name else original
