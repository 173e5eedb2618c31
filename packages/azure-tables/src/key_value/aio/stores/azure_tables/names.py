"""Names of partitions and rows in Azure Tables."""

import hashlib
import re

from typing_extensions import override

from key_value.aio.stores.base import EscapingStrategy, HashExcessLengthStrategy, Names, SanitizationStrategy

LONGEST_NAME = 1024
"""Maximum length of a PartitionKey or RowKey in UTF-16 bytes:
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""

_REFUSED = r"[/\\#?\x00-\x1f\x7f-\x9f]"


class AzureTablesSanitizationStrategy(HashExcessLengthStrategy):
    """Hashes names that Azure Tables rejects or that exceed 256 characters, as 0.5 did on request.

    A name that starts with `H_` or `S_` is rejected. Use it only for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(max_length=256)

    @override
    def sanitize(self, value: str) -> str:
        if re.search(_REFUSED, value) is None:
            return super().sanitize(value)
        return "H_" + hashlib.sha256(value.encode()).hexdigest()


def names_of(collections: SanitizationStrategy | None, keys: SanitizationStrategy | None) -> Names:
    """Return the mapping of names.

    Args:
        collections: Strategy that maps collections to names Azure Tables accepts. By default, unsupported
            characters are escaped.
        keys: The same for keys.
    """
    escaping = EscapingStrategy(_REFUSED, max_bytes=LONGEST_NAME, encoding="utf-16-le")
    return Names(collections=collections or escaping, keys=keys or escaping)
