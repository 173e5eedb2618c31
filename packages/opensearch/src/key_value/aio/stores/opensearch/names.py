"""Where the entries of a store are: an index for each collection, and a document for each key."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from typing_extensions import override

from key_value.aio.errors import InvalidKeyError
from key_value.aio.stores.base import Address, EscapingStrategy, Names, SanitizationStrategy

LONGEST_INDEX = 255
LONGEST_ID = 512
LONGEST_FIELD = 32_766
"""Bytes of an index's name, of a document's id, and of a text in a field that is searched."""

LONGEST_PREFIX = 150
"""Bytes of `index_prefix`, which leave enough of an index's name to the collection."""

_ALIAS = "~kv"
"""Ends the alias through which entries are written."""

_REFUSED = r'[\\/*?"<>|,#:\x00-\x20\x7f-\x9f\ud800-\udfff]'
_ESCAPE = re.compile("%[0-9a-f]{2}")
_LITERAL = re.compile("[^%\ud800-\udfff]{0,100}")
"""The beginning of a prefix that is neither escaped nor cut in any key."""


class Place(NamedTuple):
    """Where a document is."""

    where: str
    """The index."""
    document: str
    """The id of the document."""


@cache
def _changed_by_lowering() -> str:
    """Return what an index may not be called for its case, as a regular expression.

    The percent sign of what would be an escape if it were in capitals is a part of that, and all scripts
    beyond the Basic Multilingual Plane, where versions of Unicode differ.
    """
    capitals = (chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF)
    found = "".join(re.escape(c) for c in capitals if c.lower() != c)
    return f"%(?=[0-9][a-f]|[a-f][0-9a-f])|[{found}\U00010000-\U0001efff]"


class _Collections(EscapingStrategy):
    """Escapes what the name of an index cannot hold, in lower case."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"{_REFUSED}|{_changed_by_lowering()}|{_ALIAS}$", max_bytes=max_bytes)

    @override
    def sanitize(self, value: str) -> str:
        return super().sanitize(value).lower()

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return super().try_unsanitize(_ESCAPE.sub(lambda found: found[0].upper(), value))


class SearchNames(Names):
    """Names of documents below a prefix; an address has the end of an index's name, and an id.

    The 0.5 series put the collections `Users` and `users` into one index. Here the second is there and the
    first is elsewhere; what 0.5 has stored of it is found by the collection that its document names.
    """

    def __init__(
        self, prefix: str, collections: SanitizationStrategy | None, keys: SanitizationStrategy | None
    ) -> None:
        """State the names.

        Args:
            prefix: What the names of indices start with, before a hyphen.
            collections: What becomes of collections, in place of escaping what an index cannot be called.
            keys: What becomes of keys, in place of escaping what an id cannot be.

        Raises:
            ValueError: The prefix cannot start the name of an index.
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
        """Return the index of a collection in the form of an address."""
        return f"{self.start}{collection.lower()}"

    def alias(self, collection: str) -> str:
        """Return the alias of that index: what is written to it never creates an index."""
        return f"{self.index(collection)}{_ALIAS}"

    def place(self, address: Address) -> Place:
        """Return where an entry is."""
        return Place(self.index(address.collection), address.key)

    def former_index(self, collection: str) -> str | None:
        """Return the index that 0.5 used for a collection in the form of an address; None if it had none."""
        return self._formerly(collection) if self._escapes and "%" in collection else self.index(collection)

    def former_place(self, address: Address) -> Place | None:
        """Return where 0.5 put an entry, if it is not where it is put now."""
        if not self._escapes or ("%" not in address.collection and "%" not in address.key):
            return None
        index, key = self.former_index(address.collection), self.keys.try_unsanitize(address.key)
        if index is None or not key or not _fits(key, LONGEST_ID):
            return None
        place = Place(index, key)
        return None if place == self.place(address) else place

    def fields(self, address: Address, original: Address) -> Address:
        """Return what a document has in the fields `collection` and `key`: the names, where it can."""
        collection = self.field(address.collection)
        if collection is None:
            collection = _first_that_fits(original.collection, address.collection)
        return Address(
            collection, address.key if self._escapes else _first_that_fits(original.key, address.key)
        )

    def resolve(self, original: Address) -> Address | None:
        """Return the address of an entry that a document names; None if it names none that can be."""
        try:
            return self.pair(*original)
        except InvalidKeyError:
            return None

    def _field(self, collection: str) -> str | None:
        """Return what documents of a collection have in that field; None if it is not known."""
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
