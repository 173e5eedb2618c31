"""Names of documents and collections in Firestore.

For the limits, see https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields.
"""

import hashlib
import re

from typing_extensions import override

from key_value.aio.errors import InvalidKeyError
from key_value.aio.stores.base import EscapingStrategy, Names, SanitizationStrategy

LONGEST_ID = 1500
"""Maximum length of a document or collection ID in bytes."""

LONGEST_PATH = 4000
"""Maximum length of a nested collection in bytes; with a document ID, it is below the 6 KiB of a name."""

MOST_PARTS = 199
"""Maximum number of parts of a nested collection: collections are nested at most 100 deep."""

EMPTY = "%empty"
"""The ID that represents the empty name."""

# A slash, `.`, `..`, `__anything__`, and the ID that represents the empty name.
_REFUSED = rf"/|^\.(?=\.?\Z)|^_(?=_(?s:.)*__\Z)|^{EMPTY}\Z"

_LITERAL = re.compile("[a-z0-9][a-z0-9_]{,999}")
"""Matches characters that are never escaped or truncated at the start of a key."""


_REFUSED_ID = re.compile(r"|.*/.*|\.{1,2}|__.*__", re.DOTALL)


class FirestoreV1KeySanitizationStrategy(SanitizationStrategy):
    """Hashes names that Firestore does not support, or marks them with a hash, as 0.5 did on request.

    Replaced names cannot be listed. Use it only for entries that were written with it.
    """

    @override
    def sanitize(self, value: str) -> str:
        digest = hashlib.sha256(value.encode()).hexdigest()
        if len(value.encode()) > LONGEST_ID:
            return f"H_{digest}"
        if not _REFUSED_ID.fullmatch(value):
            return value
        room = LONGEST_ID - len("S_") - len("-") - len(digest)
        return f"S_{value.replace('/', '_').encode()[:room].decode(errors='ignore')}-{digest}"

    @override
    def validate(self, value: str) -> None:
        if value.startswith(("H_", "S_")):
            raise InvalidKeyError(
                message=f"Firestore IDs cannot start with reserved prefixes 'H_' or 'S_': {value}"
            )

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return None if value.startswith(("H_", "S_")) else value


class FirestoreV1CollectionSanitizationStrategy(FirestoreV1KeySanitizationStrategy):
    """Replaces collections as `FirestoreV1KeySanitizationStrategy` replaces keys."""


class _Ids(EscapingStrategy):
    """Escapes characters that an ID must not contain."""

    def __init__(self) -> None:
        super().__init__(_REFUSED, max_bytes=LONGEST_ID)

    @override
    def sanitize(self, value: str) -> str:
        return super().sanitize(value) or EMPTY

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return "" if value == EMPTY else super().try_unsanitize(value)


class _Collections(_Ids):
    """Keeps `a/b/c` as the collection `c` of the document `b` in `a`, as the 0.5 series did."""

    @override
    def sanitize(self, value: str) -> str:
        parts = value.split("/")
        if _is_path(value, parts):
            return "/".join(map(super().sanitize, parts))
        return super().sanitize(value)

    @override
    def try_unsanitize(self, value: str) -> str | None:
        names = [super(_Collections, self).try_unsanitize(part) for part in value.split("/")]
        return "/".join(filter(None, names)) if None not in names else None


class _Names(Names):
    """Names whose keys can be listed by prefix."""

    @override
    def literal(self, prefix: str) -> str:
        found = _LITERAL.match(prefix) if isinstance(self.keys, _Ids) else None
        return found[0] if found else ""


def names_of(keys: SanitizationStrategy | None, collections: SanitizationStrategy | None) -> Names:
    """Return the mapping of names.

    Args:
        keys: Strategy that maps keys to IDs Firestore accepts; None escapes unsupported characters.
        collections: The same for collections.
    """
    return _Names(keys=keys or _Ids(), collections=collections or _Collections())


def _is_path(name: str, parts: list[str]) -> bool:
    """Return whether a name with slashes is the path of a nested collection."""
    return (
        len(parts) % 2 == 1
        and 1 < len(parts) <= MOST_PARTS
        and all(parts)
        and len(name.encode(errors="surrogatepass")) <= LONGEST_PATH
    )
