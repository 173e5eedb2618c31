"""The encoding of names and documents in the rows of a cache; pickles are never read."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.disk.value_files import ValueFiles

MODE_RAW: Final = 1
"""diskcache's mode of a value that is stored in the database unchanged."""

MODE_TEXT: Final = 3
"""Mode of a text in a file."""

MODE_PICKLE: Final = 4
"""Mode of a pickled value."""

_EXPIRES = '"expires_at": "'

_TOLERANCE = 0.5
"""Seconds by which a row and its document may differ, because their times are computed separately."""

Document: TypeAlias = bytes | DeserializationError
"""A document, or the reason why it cannot be read."""


class MissingFileError(DeserializationError):
    """The file of a value is missing."""


class Form:
    """The encoding of rows: diskcache's own, or that of an application's `diskcache.Disk`.

    In diskcache's own encoding, a name is a key, and a large text is stored in a file.

    Attributes:
        is_ordered: Whether the keys of the table are the names, in the same order.
    """

    def __init__(self, files: ValueFiles, large: int, disk: Any = None) -> None:
        """Choose the encoding.

        Args:
            files: Files of large texts.
            large: Number of characters from which a text is stored in a file.
            disk: Object with `put`, `get`, `store` and `fetch` as documented by diskcache, which writes and
                reads its files itself; None uses diskcache's own encoding.
        """
        self._files = files
        self._large = large
        self._disk = disk
        self.is_ordered = disk is None

    def key(self, name: str) -> str | bytes:
        """Return the row key of a name."""
        if self._disk is None:
            return name
        key, _ = self._disk.put(name)
        return key if isinstance(key, str) else bytes(key)

    def name(self, key: object) -> str | None:
        """Return the name of a row; None if its key does not represent a text."""
        name = key if self._disk is None else self._disk.get(key, True)
        return name if isinstance(name, str) else None

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Return the columns `size`, `mode`, `filename` and `value` of a text, after writing its file."""
        if self._disk is not None:
            stored = self._disk.store(text, False)
            self._files.keep(stored[2])
            return stored
        if len(text) < self._large:
            return 0, MODE_RAW, None, text
        data = text.encode()
        return len(data), MODE_TEXT, self._files.write(data), None

    def read(self, row: Sequence[Any], *, limit: int | None = None) -> Document:
        """Return the document of a row, or the reason why it cannot be read.

        Args:
            row: Number, `filename`, `key`, `mode`, `value` and `expire_time`. The expiry time of the row
                takes precedence, because diskcache's `touch` does not change the document.
            limit: Number of characters to read; an application's disk always reads all.
        """
        _, filename, _, mode, value, expires = row
        if mode == MODE_PICKLE:
            return DeserializationError(message="The value is a pickle, and pickles are never loaded")
        try:
            text = self._fetch(mode, filename, value, limit)
        except FileNotFoundError:
            return MissingFileError(message="The value's file is missing")
        except DeserializationError as error:
            return error
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 -- an application's disk may raise anything
            return DeserializationError(message=f"The value cannot be read: {error}")
        if not isinstance(text, str):
            return DeserializationError(message="The value is not text")
        return (text if expires is None else _expiring(text, expires)).encode()

    def _fetch(self, mode: object, filename: object, value: object, limit: int | None) -> object:
        if self._disk is not None:
            if filename is not None:
                self._files.check(filename)
            return self._disk.fetch(mode, filename, value, False)
        if mode == MODE_TEXT:
            return self._files.read(filename, limit).decode()
        return value if mode == MODE_RAW else None


def _expiring(text: str, expires: float) -> str:
    """Return a document with the expiry time of its row."""
    start = text.find(_EXPIRES) + len(_EXPIRES)
    end = text.find('"', start)
    moment = datetime.fromtimestamp(expires, timezone.utc)
    try:
        if start >= len(_EXPIRES):
            differs = abs((datetime.fromisoformat(text[start:end]) - moment).total_seconds()) > _TOLERANCE
            return f"{text[:start]}{moment.isoformat()}{text[end:]}" if differs else text
        return json.dumps({**json.loads(text), "expires_at": moment.isoformat()}, sort_keys=True)
    except (TypeError, ValueError):
        return text
