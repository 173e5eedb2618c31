"""Values as JSON text, encoded once per put and decoded once per get."""

import re
from collections.abc import Mapping
from typing import Any

from key_value.aio._utils.json import dumps
from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio.stores.base.pacing import SMALL, is_busy, spend, wait_for_room

# Surrogates as JSON writes them: a whole pair, and half of one. What follows an escaped backslash is neither.
_PAIR = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..")
_HALF = re.compile(r"\\ud[89a-f]")


async def encode(value: Mapping[str, Any]) -> str:
    """Write a value as JSON text, its keys sorted.

    Raises:
        SerializationError: It holds something that JSON cannot.
    """
    if is_busy():
        await wait_for_room()
    text = dumps(value if isinstance(value, dict) else dict(value))
    if len(text) > SMALL:
        spend(len(text))
    return text


async def decode(text: str | bytes) -> dict[str, Any]:
    """Read a value from JSON text.

    Raises:
        DeserializationError: It is not JSON, or not an object.
    """
    if len(text) > SMALL:
        await wait_for_room()
        spend(len(text))
    return load_from_json(text)


def has_lone_surrogate(text: str) -> bool:
    """Whether JSON text, ASCII only, has half of a surrogate pair: it stands for no character of Unicode."""
    return _HALF.search(text) is not None and _HALF.search(_PAIR.sub(" ", text)) is not None
