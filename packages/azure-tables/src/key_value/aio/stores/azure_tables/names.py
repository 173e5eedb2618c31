"""Names of partitions and rows in Azure Tables."""

import hashlib
import re

from typing_extensions import override

from key_value.aio.stores.base import EscapingStrategy, HashExcessLengthStrategy, Names, SanitizationStrategy

LONGEST_NAME = 1024
"""Bytes of UTF-16 that a PartitionKey or a RowKey may have:
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""

_REFUSED = r"[/\\#?\x00-\x1f\x7f-\x9f]"


class AzureTablesSanitizationStrategy(HashExcessLengthStrategy):
    """Hashes what Azure Tables refuses and what is longer than 256 characters, as 0.5 did on request.

    A name that begins with `H_` or `S_` is refused. It is for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=256)

    @override
    def sanitize(self, value: str) -> str:
        if re.search(_REFUSED, value) is None:
            return super().sanitize(value)
        return "H_" + hashlib.sha256(value.encode()).hexdigest()


def names_of(collections: SanitizationStrategy | None, keys: SanitizationStrategy | None) -> Names:
    """Return what becomes of names.

    Args:
        collections: What becomes of collections, in place of escaping what Azure Tables cannot hold.
        keys: What becomes of keys, in the same way.
    """
    escaping = EscapingStrategy(_REFUSED, max_bytes=LONGEST_NAME, encoding="utf-16-le")
    return Names(collections=collections or escaping, keys=keys or escaping)
