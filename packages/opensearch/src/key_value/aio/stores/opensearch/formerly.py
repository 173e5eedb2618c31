"""The serialization adapter and the naming strategies of the 0.5 series."""

import string
from typing import Any

from typing_extensions import override

from key_value.aio.stores.base import (
    AlwaysHashStrategy,
    HashFragmentMode,
    HybridSanitizationStrategy,
    SerializationAdapter,
)


class OpenSearchSerializationAdapter(SerializationAdapter):
    """The serialization adapter of the 0.5 series' OpenSearch store, for code that imports it."""

    def __init__(self) -> None:
        super().__init__(date_format="isoformat", value_format="dict")

    @override
    def prepare_dump(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "value": {"flat": data["value"]}}

    @override
    def prepare_load(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "value": data["value"]["flat"]}


class OpenSearchV1KeySanitizationStrategy(AlwaysHashStrategy):
    """Replaces every key by its SHA-256. Use it only for entries that were written with it."""


class OpenSearchV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Replaces everything but ASCII letters, ASCII digits and `_ - .`, and adds a part of the SHA-256.

    A collection that starts with `H_` or `S_` is rejected. Use it only for entries that were written with it.
    """

    def __init__(self) -> None:
        super().__init__(
            max_length=200,
            allowed_characters=f"{string.ascii_letters}{string.digits}_-.",
            hash_fragment_mode=HashFragmentMode.ALWAYS,
        )
