"""Names that a backend can hold, and the addresses made of them."""

import re
from functools import lru_cache
from typing import ClassVar, NamedTuple

from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.sanitization import PassthroughStrategy, SanitizationStrategy

SEPARATOR = "::"

AMBIGUOUS = ":{2,}|:$"
"""What a collection cannot hold before `::`, as a regular expression for `EscapingStrategy`."""


_LITERAL = re.compile("[a-z0-9_]*")
"""Characters that are escaped in no key."""


class Address(NamedTuple):
    """A collection and a key in the form that the backend holds."""

    collection: str
    key: str


class Names:
    """What a key and a collection may hold in a backend, and how the two become an address.

    A name that the backend can hold stays as it is, any other one is escaped so that it can be read back;
    what is too long is cut and ends in its SHA-256. No two entries share an address.

    Attributes:
        keys: What becomes of keys.
        collections: What becomes of collections.
        separator: What stands between the two in an address, and in no collection.
        suffix: What an address ends with.
        formerly: How the 0.5 series named its entries, if otherwise.
        ignores_case: Whether the backend finds an entry under names of another case too.
    """

    PLAIN: "ClassVar[Names]"
    """As they are, whatever that leads to."""

    def __init__(
        self,
        *,
        keys: SanitizationStrategy | None = None,
        collections: SanitizationStrategy | None = None,
        separator: str = SEPARATOR,
        suffix: str = "",
        formerly: "Names | None" = None,
        ignores_case: bool = False,
    ) -> None:
        """State the facts of a backend.

        Args:
            keys: What becomes of keys; unless given, only what UTF-8 cannot hold is escaped.
            collections: What becomes of collections; unless given, `::` and a `:` at the end are escaped too.
            separator: What stands between the two in an address; `collections` must keep it out of them.
            suffix: What an address ends with, such as `.json`.
            formerly: How the 0.5 series named its entries: an entry that is there, and is not where it is
                named now, is found and listed, and the next write moves it. `PLAIN` is as they are.
            ignores_case: Whether the backend finds an entry under names of another case too: then a document
                counts only if it names its entry.
        """
        self.keys = keys or EscapingStrategy()
        self.collections = collections or EscapingStrategy(AMBIGUOUS)
        self.separator = separator
        self.suffix = suffix
        self.formerly = formerly
        self.ignores_case = ignores_case
        self._keeps_literals = keys is None
        self.prefix = lru_cache(maxsize=1024)(self._prefix)
        self._known_collection = lru_cache(maxsize=1024)(self.collection)

    def address(self, collection: str, key: str) -> str:
        """Return the address of an entry: text that UTF-8 can hold, and no other entry's.

        Raises:
            InvalidKeyError: A strategy of the caller's refuses a name.
        """
        return f"{self.prefix(collection)}{self.key(key)}{self.suffix}"

    def former(self, address: str, collection: str, key: str) -> str | None:
        """Return the address that the 0.5 series used for an entry, if that is another one."""
        if self.formerly is None:
            return None
        if self.formerly is Names.PLAIN:
            former = f"{collection}{SEPARATOR}{key}"
        else:
            former = self.formerly.address(collection, key)
        return None if former == address or not _is_utf8(former) else former

    def may_collide(self, key: str) -> bool:
        """Return whether an entry of the 0.5 series may be found at the address of another one."""
        return self.ignores_case or (self.formerly is not None and self.separator in key)

    def starts(self, collection: str, prefix: str) -> list[str]:
        """Return how the addresses of a collection may start, those of keys with a prefix among them."""
        ours = self.prefix(collection)
        former = ours if self.formerly is None else self.formerly.prefix(collection)
        starts = [ours + self.literal(prefix)]
        return starts if former == ours or not _is_utf8(former) else [*starts, former]

    def is_of(self, address: str, collection: str, key: str) -> bool:
        """Return whether an address is, or in the 0.5 series was, that of an entry."""
        ours = self.address(collection, key)
        return address == ours or address == self.former(ours, collection, key)

    def literal(self, prefix: str) -> str:
        """Return the beginning of a prefix that the keys which start with it have in the backend too."""
        found = _LITERAL.match(prefix) if self._keeps_literals else None
        return found[0] if found else ""

    def entry(self, address: str) -> Address | None:
        """Return the collection and key of an address; None if they cannot be read back from it."""
        collection, separator, key = address.partition(self.separator)
        if not separator or not key.endswith(self.suffix):
            return None
        name = self.collections.try_unsanitize(collection)
        original = self.keys.try_unsanitize(key[: len(key) - len(self.suffix)])
        return None if name is None or original is None else Address(name, original)

    def pair(self, collection: str, key: str) -> Address:
        """Return an entry's collection and key, each in the form that the backend holds."""
        return Address(self._known_collection(collection), self.key(key))

    def collection(self, collection: str) -> str:
        """Return a collection in the form that the backend holds."""
        self.collections.validate(collection)
        return self.collections.sanitize(collection)

    def key(self, key: str) -> str:
        """Return a key in the form that the backend holds."""
        if self._keeps_literals and key.isascii() and "%" not in key:
            return key
        self.keys.validate(key)
        return self.keys.sanitize(key)

    def _prefix(self, collection: str) -> str:
        return self.collection(collection) + self.separator


Names.PLAIN = Names(keys=PassthroughStrategy(), collections=PassthroughStrategy())


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
