"""How names and documents are written into the rows of a cache; pickles are never read."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.disk.value_files import ValueFiles

MODE_RAW: Final = 1
"""diskcache's mark of a value that is in the database as it is."""

MODE_TEXT: Final = 3
"""The mark of a text in a file."""

MODE_PICKLE: Final = 4
"""The mark of a value to unpickle."""


_EXPIRES = '"expires_at": "'

_TOLERANCE = 0.5
"""Seconds by which a row and its document may differ; they were computed one after the other."""


class TextForm:
    """diskcache's own form: a name is a key, and a large text a file.

    Attributes:
        is_ordered: Whether the keys of the table are the names, in their order.
    """

    is_ordered = True

    def __init__(self, files: ValueFiles, large: int) -> None:
        """Choose what is large.

        Args:
            files: The files of large texts.
            large: Characters from which a text gets a file.
        """
        self._files = files
        self._large = large

    def key(self, name: str) -> str | bytes:
        """Return the key of a row: the name."""
        return name

    def name(self, key: object) -> str | None:
        """Return the name of a row: the key, if it is text."""
        return key if isinstance(key, str) else None

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Return the columns `size`, `mode`, `filename` and `value`; a large text is written to a file."""
        if len(text) < self._large:
            return 0, MODE_RAW, None, text
        data = text.encode()
        return len(data), MODE_TEXT, self._files.write(data), None

    def fetch(self, mode: object, filename: object, value: object, limit: int | None) -> object:
        """Read what `store` returned, or the start of it; what is no text is for the caller to refuse."""
        if mode == MODE_TEXT:
            return self._files.read(filename, limit).decode()
        return value if mode == MODE_RAW else None


class DiskForm:
    """The form of an application's own `diskcache.Disk`, which reads and writes its files itself.

    Attributes:
        is_ordered: See `TextForm`.
    """

    is_ordered = False

    def __init__(self, files: ValueFiles, disk: Any) -> None:
        """Wrap a disk.

        Args:
            files: Checks the files that it reads.
            disk: Has `put`, `get`, `store` and `fetch` as diskcache documents them.
        """
        self._files = files
        self._disk = disk

    def key(self, name: str) -> str | bytes:
        """Have the disk encode a name."""
        key, _ = self._disk.put(name)
        return key if isinstance(key, str) else bytes(key)

    def name(self, key: object) -> str | None:
        """Have the disk decode a key."""
        name = self._disk.get(key, True)
        return name if isinstance(name, str) else None

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Have the disk store a text."""
        stored = self._disk.store(text, False)
        self._files.keep(stored[2])
        return stored

    def fetch(self, mode: object, filename: object, value: object, limit: int | None) -> object:
        """Have the disk read a text; it reads all of it."""
        del limit
        if filename is not None:
            self._files.check(filename)
        return self._disk.fetch(mode, filename, value, False)


Form: TypeAlias = TextForm | DiskForm
"""How a cache writes names and texts into its table."""

Found: TypeAlias = bytes | DeserializationError
"""A document, or why it cannot be read."""


class MissingFileError(DeserializationError):
    """The file of a value is missing."""


def read_document(form: Form, row: Sequence[Any], *, limit: int | None = None) -> Found:
    """Read the document of a row, or return why that cannot be done.

    Args:
        form: How the row is written.
        row: Its number, `filename`, `key`, `mode`, `value` and `expire_time`; the last one counts, as
            diskcache's `touch` does not change the document.
        limit: Characters that are enough.
    """
    _, filename, _, mode, value, expires = row
    if mode == MODE_PICKLE:
        return DeserializationError(message="The value is a pickle, which is never read")
    try:
        text = form.fetch(mode, filename, value, limit)
    except FileNotFoundError:
        return MissingFileError(message="The file of the value is missing")
    except DeserializationError as error:
        return error
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  -- an application's disk may raise anything
        return DeserializationError(message=f"The value cannot be read: {error}")
    if not isinstance(text, str):
        return DeserializationError(message="The value is not text")
    return (text if expires is None else _expiring(text, expires)).encode()


def _expiring(text: str, expires: float) -> str:
    """Return a document that expires as its row does."""
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
