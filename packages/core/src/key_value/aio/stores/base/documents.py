"""What stands at the head of a stored document, read without the value that follows."""

import re
import time
from typing import NamedTuple

from key_value.aio._utils.json import loads
from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio._utils.time_to_live import parse_epoch
from key_value.aio.errors import DeserializationError

_TEXT = rb'"(?:[^"\\]|\\.)*"'

# The fields of a document are sorted by their names, here as in the 0.5 series.
_HEAD = re.compile(
    rb'\{(?:"collection": (' + _TEXT + rb'), )?(?:"created_at": "[^"]*", )?(?:"expires_at": "([^"]*)", )?'
    rb'(?:"key": (' + _TEXT + rb'), )?"value": '
)


class Head(NamedTuple):
    """What a document says of its value."""

    collection: str | None
    """The collection, where the document names it."""
    key: str | None
    """The key, where the document names it."""
    expires_epoch: float | None
    """When the entry expires, in seconds since 1970; None where it never does."""

    @property
    def is_living(self) -> bool:
        """Whether the entry has not expired."""
        return self.expires_epoch is None or self.expires_epoch > time.time()


def read_head(data: bytes) -> Head:
    """Read the head of a document; a value that follows it in the usual order is not looked at.

    Raises:
        DeserializationError: It is no document.
    """
    found = _HEAD.match(data)
    if found is None:
        document = load_from_json(data)
        collection, key, expires = (document.get(name) for name in ("collection", "key", "expires_at"))
    else:
        collection, key = (None if text is None else loads(text) for text in found.group(1, 3))
        expires = None if found[2] is None else found[2].decode()
    return Head(_text(collection), _text(key), parse_epoch(expires) if isinstance(expires, str) else None)


def is_living(data: bytes) -> bool:
    """Whether the entry of a document has not expired; what cannot be read has not."""
    try:
        return read_head(data).is_living
    except DeserializationError:
        return True


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
