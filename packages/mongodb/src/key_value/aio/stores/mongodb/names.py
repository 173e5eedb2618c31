"""Names of the collections of a store in MongoDB; keys are values there, and hold anything."""

import string

from key_value.aio.stores.base import (
    EscapingStrategy,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
)

LONGEST_NAMESPACE = 255
"""Bytes of a database's name, a dot and a collection's: https://www.mongodb.com/docs/manual/reference/limits/"""

# No `$` or NUL, no dot at either end, no two dots together, and nothing that is the server's own.
_REFUSED = r"[$\x00]|^\.|\.$|\.{2,}|^s(?=ystem\.)|^k(?=v_duplicates$)"


class MongoDBV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces what is neither a letter or digit of ASCII nor `_`, as the 0.5 series did on request.

    Two collections can become one. It is for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=200, allowed_characters=f"{string.ascii_letters}{string.digits}_")


def names_of(database: str, collections: SanitizationStrategy | None) -> Names:
    """Return what becomes of names.

    Args:
        database: The database, whose name takes a part of what a collection's may have.
        collections: What becomes of collections, in place of escaping what MongoDB cannot hold.
    """
    longest = LONGEST_NAMESPACE - len(database.encode()) - 1
    return Names(collections=collections or EscapingStrategy(_REFUSED, max_bytes=longest))
