"""The places of a store's entries: one index per collection, and one document per key."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from typing_extensions import override

from key_value.aio.errors import InvalidKeyError
from key_value.aio.stores.base import Address, EscapingStrategy, Names, SanitizationStrategy

LONGEST_INDEX = 255
LONGEST_ID = 512
LONGEST_FIELD = 32_766
"""Maximum length in bytes of an index name, of a document ID, and of a text in a searched field."""

LONGEST_PREFIX = 150
"""Maximum length of `index_prefix` in bytes, which leaves enough of an index name to the collection."""

_ALIAS = "~kv"
"""Suffix of the alias through which entries are written."""

_REFUSED = r'[\\/*?"<>|,#:\x00-\x20\x7f-\x9f\ud800-\udfff]'
_ESCAPE = re.compile("%[0-9a-f]{2}")
_LITERAL = re.compile("[^%\ud800-\udfff]{0,100}")
"""Matches the start of a prefix, as far as it is neither escaped nor truncated in any key."""


class Place(NamedTuple):
    """The index and ID of a document."""

    where: str
    """Index name."""
    document: str
    """Document ID."""


@cache
def _changed_by_lowering() -> str:
    """Return a regular expression for characters that an index name cannot have because of their case.

    It includes the percent sign of lower-case text that would be an escape in capitals, and all scripts
    beyond the Basic Multilingual Plane, where versions of Unicode differ.
    """
    capitals = (chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF)
    found = "".join(re.escape(c) for c in capitals if c.lower() != c)
    return f"%(?=[0-9][a-f]|[a-f][0-9a-f])|[{found}\U00010000-\U0001efff]"


class _Collections(EscapingStrategy):
    """Escapes, in lower case, characters that an index name must not contain."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"{_REFUSED}|{_changed_by_lowering()}|{_ALIAS}$", max_bytes=max_bytes)

    @override
    def sanitize(self, value: str) -> str:
        return super().sanitize(value).lower()

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return super().try_unsanitize(_ESCAPE.sub(lambda found: found[0].upper(), value))


class SearchNames(Names):
    """Names of documents below a prefix; an address consists of the rest of an index name, and an ID.

    The 0.5 series stored the collections `Users` and `users` in one index. In that place there is now only
    `users`; the documents of `Users` from 0.5 are found by the collection that they name.
    """

    def __init__(
        self, prefix: str, collections: SanitizationStrategy | None, keys: SanitizationStrategy | None
    ) -> None:
        """Initialize with a prefix and strategies.

        Args:
            prefix: Prefix of index names, before a hyphen.
            collections: Strategy that maps collections to index names; None escapes unsupported characters.
            keys: Strategy that maps keys to document IDs; None escapes unsupported characters.

        Raises:
            ValueError: An index name cannot start with the prefix.
        """
        prefix = prefix.lower()
        size = len(prefix.encode(errors="replace"))
        if not prefix or prefix[0] in "-_+." or re.search(_REFUSED, prefix) or size > LONGEST_PREFIX:
            raise ValueError(
                f"index_prefix must have 1 to {LONGEST_PREFIX} bytes, none of them a space or one of "
                '\\ / * ? " < > | , # :, and must not start with one of - _ + .'
            )
        longest = LONGEST_INDEX - size - len(_ALIAS) - 1
        super().__init__(
            collections=collections or _Collections(longest),
            keys=keys or EscapingStrategy(max_bytes=LONGEST_ID, escapes_empty=True),
        )
        self.start = f"{prefix}-"
        self._escapes = collections is None and keys is None
        self.field = lru_cache(maxsize=1024)(self._field)
        self._formerly = lru_cache(maxsize=1024)(self._former_index)

    @override
    def literal(self, prefix: str) -> str:
        found = _LITERAL.match(prefix) if self._escapes else None
        return found[0] if found else ""

    def index(self, collection: str) -> str:
        """Return the index of an encoded collection."""
        return f"{self.start}{collection.lower()}"

    def alias(self, collection: str) -> str:
        """Return the alias of that index; a write to the alias never creates an index."""
        return f"{self.index(collection)}{_ALIAS}"

    def place(self, address: Address) -> Place:
        """Return the place of an entry."""
        return Place(self.index(address.collection), address.key)

    def former_index(self, collection: str) -> str | None:
        """Return the index that 0.5 used for an encoded collection; None if 0.5 rejected the collection."""
        return self._formerly(collection) if self._escapes and "%" in collection else self.index(collection)

    def former_place(self, address: Address) -> Place | None:
        """Return the place of an entry in 0.5, if it is not the current one."""
        if not self._escapes or ("%" not in address.collection and "%" not in address.key):
            return None
        index, key = self.former_index(address.collection), self.keys.try_unsanitize(address.key)
        if index is None or not key or not _fits(key, LONGEST_ID):
            return None
        place = Place(index, key)
        return None if place == self.place(address) else place

    def fields(self, address: Address, original: Address) -> Address:
        """Return the fields `collection` and `key` of a document: the original names if possible."""
        collection = self.field(address.collection)
        if collection is None:
            collection = _first_that_fits(original.collection, address.collection)
        return Address(
            collection, address.key if self._escapes else _first_that_fits(original.key, address.key)
        )

    def resolve(self, original: Address) -> Address | None:
        """Return the address of an entry from the names in a document; None if they are invalid."""
        try:
            return self.pair(*original)
        except InvalidKeyError:
            return None

    def _field(self, collection: str) -> str | None:
        """Return the field `collection` in the documents of a collection; None if it is unknown."""
        if not self._escapes:
            return None
        original = self.collections.try_unsanitize(collection)
        return _first_that_fits(original or collection, collection)

    def _former_index(self, collection: str) -> str | None:
        original = self.collections.try_unsanitize(collection)
        if original is None or re.search(_REFUSED, original.lower()):
            return None
        index = f"{self.start}{original.lower()}"
        return index if _fits(index, LONGEST_INDEX) else None


def _first_that_fits(name: str, other: str) -> str:
    return name if _fits(name, LONGEST_FIELD) else other


def _fits(name: str, longest: int) -> bool:
    try:
        return len(name.encode()) <= longest
    except UnicodeEncodeError:
        return False
