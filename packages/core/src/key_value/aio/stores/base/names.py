"""Names that a backend can hold, and the addresses built from them."""

import re
from functools import lru_cache
from typing import ClassVar, NamedTuple

from key_value.aio._utils.escaping import EscapingStrategy
from key_value.aio._utils.sanitization import PassthroughStrategy, SanitizationStrategy

SEPARATOR = "::"

AMBIGUOUS = ":{2,}|:$"
"""Regular expression for the parts of a collection name that would be ambiguous before `::`."""


_LITERAL = re.compile("[a-z0-9_]*")
"""Characters that are never escaped in a key."""


class Address(NamedTuple):
    """A collection and a key as the backend holds them."""

    collection: str
    key: str


class Names:
    """The keys and collections that a backend can hold, and how they are combined into an address.

    A name that the backend can hold is kept. Any other name is escaped reversibly. A name that is too long is
    cut and ends with its SHA-256. No two entries share an address.

    Attributes:
        keys: Strategy that maps keys to names the backend accepts.
        collections: Strategy that maps collections to names the backend accepts.
        separator: Separator between the two in an address, which never occurs in a collection.
        suffix: Suffix of every address.
        formerly: Naming scheme of the 0.5 series, if it differs.
        ignores_case: Whether the backend also finds an entry under names that differ in case.
    """

    PLAIN: "ClassVar[Names]"
    """Names kept unchanged, whatever the consequences."""

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
        """Initialize with the naming rules of a backend.

        Args:
            keys: Strategy for keys. By default, only characters that UTF-8 cannot encode are escaped.
            collections: Strategy for collections. By default, `::` and a trailing `:` are escaped as well.
            separator: Separator between the two in an address; `collections` must not leave it in any name.
            suffix: Suffix of every address, such as `.json`.
            formerly: Naming scheme of the 0.5 series. An entry stored under its former name, but not under
                its current one, is found and listed, and the next write moves it. `PLAIN` keeps names
                unchanged.
            ignores_case: Whether the backend also finds an entry under names that differ in case. If so, a
                document counts only if it names its entry.
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
        """Return the address of an entry: UTF-8 encodable text, unique to the entry.

        Raises:
            InvalidKeyError: A strategy that the caller passed rejects a name.
        """
        return f"{self.prefix(collection)}{self.key(key)}{self.suffix}"

    def former(self, address: str, collection: str, key: str) -> str | None:
        """Return the address that the 0.5 series used for an entry, or None if it is the same."""
        if self.formerly is None:
            return None
        if self.formerly is Names.PLAIN:
            former = f"{collection}{SEPARATOR}{key}"
        else:
            former = self.formerly.address(collection, key)
        return None if former == address or not _is_utf8(former) else former

    def may_collide(self, key: str) -> bool:
        """Return whether another entry of the 0.5 series may be found at the address of this one."""
        return self.ignores_case or (self.formerly is not None and self.separator in key)

    def starts(self, collection: str, prefix: str) -> list[str]:
        """Return the possible prefixes of a collection's addresses, covering keys with the given prefix."""
        ours = self.prefix(collection)
        former = ours if self.formerly is None else self.formerly.prefix(collection)
        starts = [ours + self.literal(prefix)]
        return starts if former == ours or not _is_utf8(former) else [*starts, former]

    def is_of(self, address: str, collection: str, key: str) -> bool:
        """Return whether an address is that of an entry, now or in the 0.5 series."""
        ours = self.address(collection, key)
        return address == ours or address == self.former(ours, collection, key)

    def literal(self, prefix: str) -> str:
        """Return the leading part of a key prefix that is the same in the backend."""
        found = _LITERAL.match(prefix) if self._keeps_literals else None
        return found[0] if found else ""

    def entry(self, address: str) -> Address | None:
        """Return the collection and key of an address; None if they cannot be recovered from it."""
        collection, separator, key = address.partition(self.separator)
        if not separator or not key.endswith(self.suffix):
            return None
        name = self.collections.try_unsanitize(collection)
        original = self.keys.try_unsanitize(key[: len(key) - len(self.suffix)])
        return None if name is None or original is None else Address(name, original)

    def pair(self, collection: str, key: str) -> Address:
        """Return an entry's collection and key, each as the backend holds it."""
        return Address(self._known_collection(collection), self.key(key))

    def collection(self, collection: str) -> str:
        """Return a collection as the backend holds it."""
        self.collections.validate(collection)
        return self.collections.sanitize(collection)

    def key(self, key: str) -> str:
        """Return a key as the backend holds it."""
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
