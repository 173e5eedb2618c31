"""What the 0.5 series offered besides the store: its documents, and what it made of names on request."""

import string
from typing import Any

from typing_extensions import override

from key_value.aio.stores.base import (
    AlwaysHashStrategy,
    HashFragmentMode,
    HybridSanitizationStrategy,
    SerializationAdapter,
)


class ElasticsearchSerializationAdapter(SerializationAdapter):
    """The documents that the 0.5 series made for its Elasticsearch store, for code that imports them."""

    def __init__(self) -> None:
        super().__init__(date_format="isoformat", value_format="dict")

    @override
    def prepare_dump(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "value": {"flattened": data["value"]}}

    @override
    def prepare_load(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "value": data["value"]["flattened"]}


class ElasticsearchV1KeySanitizationStrategy(AlwaysHashStrategy):
    """Replaces every key by its SHA-256. It is for entries that were written with it."""


class ElasticsearchV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces what is neither a letter or digit of ASCII nor one of `_ - .`, and adds a part of the SHA-256.

    A collection that begins with `H_` or `S_` is refused. It is for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(
            max_length=200,
            allowed_characters=f"{string.ascii_letters}{string.digits}_-.",
            hash_fragment_mode=HashFragmentMode.ALWAYS,
        )
