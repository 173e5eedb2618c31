"""Names of MongoDB collections. Keys are values in MongoDB and need no mapping."""

import string

from key_value.aio.stores.base import (
    EscapingStrategy,
    HybridSanitizationStrategy,
    Names,
    SanitizationStrategy,
)

LONGEST_NAMESPACE = 255
"""Bytes of a database name, a dot and a collection: https://www.mongodb.com/docs/manual/reference/limits/"""

# No `$` or NUL, no dot at either end, no two adjacent dots, and no name reserved by the server.
_REFUSED = r"[$\x00]|^\.|\.$|\.{2,}|^s(?=ystem\.)|^k(?=v_duplicates$)"


class MongoDBV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces everything but ASCII letters, ASCII digits and `_`, as the 0.5 series did on request.

    Different collections may get the same name. Use it only for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=200, allowed_characters=f"{string.ascii_letters}{string.digits}_")


def names_of(database: str, collections: SanitizationStrategy | None) -> Names:
    """Return the mapping of names.

    Args:
        database: Database name, which shares the length limit with the collection name.
        collections: Strategy that maps collections to names MongoDB accepts. By default, unsupported
            characters are escaped.
    """
    longest = LONGEST_NAMESPACE - len(database.encode()) - 1
    return Names(collections=collections or EscapingStrategy(_REFUSED, max_bytes=longest))
